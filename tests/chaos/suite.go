package main

import (
	"fmt"
	"strings"
	"time"
)

const second = time.Second

func registerWork() Workload { return newRegisters() }
func casWork() Workload      { return newCasKey() }
func setWork() Workload      { return &set{} }
func counterWork() Workload  { return newCounters() }
func listWork() Workload     { return newLists() }

// everything is what the mixed tests draw from.
func everything() []Nemesis {
	return []Nemesis{kill, killLeader, pause, flicker, halves, ring, bridge, oneWay, isolateLeader, linkFaults, cuts, clocks, strobe, transfer, snapshot,
		rolling, slowDisk, failingDisk(), fullDisk(), membership}
}

// allTests are the six of JRaft's Jepsen suite, and ours.
func allTests() []Test {
	return []Test{
		{name: "partition", about: "random halves; registers", workload: registerWork, nemeses: []Nemesis{halves}, off: 5 * second, on: 5 * second},
		{name: "partition-majority", about: "majorities ring; one key", workload: casWork, nemeses: []Nemesis{ring}, off: 10 * second, on: 10 * second},
		{name: "bridge", about: "two halves and a bridge; one key", workload: casWork, nemeses: []Nemesis{bridge}, off: 10 * second, on: 10 * second},
		{name: "crash", about: "kill -9 of a subset; one key", workload: casWork, nemeses: []Nemesis{kill}, off: 10 * second, on: 10 * second},
		{name: "pause", about: "SIGSTOP; one key", workload: casWork, nemeses: []Nemesis{pause}, off: 10 * second, on: 10 * second},
		{name: "configuration", about: "remove a node, add it back; one key", workload: casWork, nemeses: []Nemesis{membership}, off: 5 * second, on: 10 * second},
		{name: "set", about: "elements, under everything", workload: setWork, nemeses: everything(), off: 2 * second, on: 4 * second, overlap: true},
		{name: "counter", about: "additions, under everything", workload: counterWork, nemeses: everything(), off: 2 * second, on: 4 * second, overlap: true},
		{name: "append", about: "lists, under everything", workload: listWork, nemeses: everything(), off: 2 * second, on: 4 * second, overlap: true},
		{name: "leader", about: "the leader killed, cut off, stopped, asked to hand over", workload: registerWork,
			nemeses: []Nemesis{killLeader, isolateLeader, flicker, transfer, oneWay}, off: 2 * second, on: 3 * second},
		{name: "links", about: "delay, rate, black hole, stall, reset, cut", workload: registerWork, nemeses: []Nemesis{linkFaults, cuts, oneWay}, off: 3 * second, on: 5 * second},
		{name: "clock", about: "wall clocks jump", workload: registerWork, nemeses: []Nemesis{clocks, strobe}, off: 3 * second, on: 5 * second},
		{name: "disk", about: "full, failing and slow disks, snapshots", workload: registerWork,
			nemeses: []Nemesis{failingDisk(), fullDisk(), slowDisk, snapshot}, off: 4 * second, on: 5 * second},
		{name: "rolling", about: "rolling restart", workload: registerWork, nemeses: []Nemesis{rolling}, off: 3 * second, on: 2 * second},
		{name: "mixed", about: "registers, under everything", workload: registerWork, nemeses: everything(), off: 2 * second, on: 4 * second, overlap: true},
	}
}

// powerCutTest is no part of all: its length is a number of cuts.
func powerCutTest() Test {
	return Test{name: "power-cut", about: "power cuts under load", workload: registerWork, special: powerCuts}
}

// choose gives the tests of a list of names; all without one.
func choose(list string) ([]Test, error) {
	if list == "" {
		return allTests(), nil
	}
	var chosen []Test
	for _, name := range strings.Split(list, ",") {
		found := false
		for _, test := range allTests() {
			if test.name == name {
				chosen, found = append(chosen, test), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no test '%s': there are %s", name, testNames())
		}
	}
	return chosen, nil
}

func testNames() string {
	var all []string
	for _, test := range allTests() {
		all = append(all, test.name)
	}
	return strings.Join(all, ", ")
}

const rowFormat = "%-20s %8s %8s %8s %8s %8s %8s %10s  %s\n"

func printHead() {
	fmt.Printf(rowFormat, "test", "ok", "fail", "unknown", "leaders", "faults", "problems", "recovery", "verdict")
}

func (r Result) print() {
	verdict := "good"
	if len(r.problems) > 0 {
		verdict = "FAILED, see " + r.folder
	}
	fmt.Printf(rowFormat, r.test, fmt.Sprint(r.ok), fmt.Sprint(r.failed), fmt.Sprint(r.unknown), fmt.Sprint(r.changes), fmt.Sprint(r.faults),
		fmt.Sprint(len(r.problems)), r.recovery.Round(10*time.Millisecond), verdict)
	for _, problem := range r.problems {
		fmt.Println("    " + strings.ReplaceAll(strings.TrimSpace(problem), "\n", "\n    "))
	}
}
