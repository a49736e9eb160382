// chaos runs a group of real processes under real faults, and says whether what its clients saw can be explained.
//
//	chaos raft [flags]                      the tests of docs/chaos.md
//	chaos power-cut FOLDER JOURNAL SEED     makes of a data folder what its disk could hold after a power cut
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sofa/chaos/disk"
)

func main() {
	switch {
	case len(os.Args) == 5 && os.Args[1] == "power-cut":
		os.Exit(powerCut(os.Args[2], os.Args[3], os.Args[4]))
	case len(os.Args) >= 2 && os.Args[1] == "raft":
		os.Exit(raft(os.Args[2:]))
	}
	fmt.Fprintln(os.Stderr, "usage: chaos raft [flags] | chaos power-cut FOLDER JOURNAL SEED")
	os.Exit(2)
}

func powerCut(folder, journal, seedText string) int {
	seed, err := strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "The seed '%s' is no number\n", seedText)
		return 2
	}
	taken, err := disk.Cut(folder, journal, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(taken)
	return 0
}

// raft runs the tests that the flags choose, and prints a table.
func raft(arguments []string) int {
	flags := flag.NewFlagSet("chaos raft", flag.ExitOnError)
	var options Options
	minutes := flags.Float64("minutes", 3, "time under faults, shared by the tests")
	nodes := flags.Int("nodes", 3, "nodes of the group")
	flags.StringVar(&options.Kinds, "kinds", "", "a letter a node in place of --nodes: c is ours, j is Java's")
	tests := flags.String("test", "", "tests, separated by commas; all without it: "+testNames())
	flags.Uint64Var(&options.Seed, "seed", uint64(time.Now().UnixNano()%1_000_000), "of the schedule and of what clients do")
	flags.IntVar(&options.Cuts, "power-cuts", 0, "so many power cuts, in place of the other tests")
	flags.IntVar(&options.ElectionMs, "election-ms", 0, "election timeout of the nodes (1000; of power cuts 500)")
	flags.IntVar(&options.Clients, "clients", 10, "clients at the same time")
	flags.Float64Var(&options.Rate, "rate", 20, "operations a second of one client")
	flags.BoolVar(&options.LeaseReads, "lease-reads", false, "our nodes read by the leader's lease")
	flags.BoolVar(&options.Corrupt, "corrupt", false, "change one answer before it is judged: the run must fail")
	flags.BoolVar(&options.Lie, "lie", false, "syncs do nothing: power cuts must be found out")
	flags.StringVar(&options.Folder, "folder", "chaos", "of all that the run leaves")
	flags.StringVar(&options.Lincheck, "lincheck", "lincheck", "the judge of histories")
	flags.StringVar(&options.Faults, "faults", "libsofa_faults.so", "the library of faults, an absolute path")
	flags.StringVar(&options.Program, "sofa", "sofa", "the program of our nodes")
	flags.StringVar(&options.JavaPath, "java-path", "", "class path of Java's nodes")
	_ = flags.Parse(arguments)
	chosen, err := prepare(&options, *nodes, *tests, *minutes)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Printf("nodes %s, seed %d, in %s\nagain: ./dev chaos raft%s\n", options.Kinds, options.Seed, options.Folder, again(flags))
	return runAll(chosen, options)
}

// prepare completes the options, and chooses the tests.
func prepare(options *Options, nodes int, list string, minutes float64) ([]Test, error) {
	if options.Kinds == "" {
		options.Kinds = strings.Repeat("c", nodes)
	}
	folder, err := filepath.Abs(filepath.Join(options.Folder, time.Now().Format("20060102-150405")))
	if err != nil {
		return nil, err
	}
	options.Folder = folder
	if options.Cuts > 0 {
		options.Journals = true
		options.ElectionMs = orElse(options.ElectionMs, 500)
		return []Test{powerCutTest()}, nil
	}
	options.ElectionMs = orElse(options.ElectionMs, 1000)
	chosen, err := choose(list)
	if err == nil {
		options.Duration = time.Duration(minutes * float64(time.Minute) / float64(len(chosen)))
	}
	return chosen, err
}

func orElse(value, otherwise int) int {
	if value != 0 {
		return value
	}
	return otherwise
}

func runAll(chosen []Test, options Options) int {
	printHead()
	good := 0
	for _, test := range chosen {
		result := RunTest(test, options)
		result.print()
		if len(result.problems) == 0 {
			good++
			removeData(result.folder)
		}
	}
	fmt.Printf("%d passed, %d failed, 0 skipped\n", good, len(chosen)-good)
	if good < len(chosen) {
		return 1
	}
	return 0
}

// removeData leaves the history, the events and the output of a test that passed.
func removeData(folder string) {
	found, _ := filepath.Glob(filepath.Join(folder, "node*", "[dj]*")) // data, journal
	for _, path := range found {
		_ = os.RemoveAll(path)
	}
}

// again gives the flags that repeat the run: the same schedule, though not the same moments.
func again(flags *flag.FlagSet) string {
	said := ""
	for _, name := range []string{"kinds", "nodes", "test", "minutes", "power-cuts", "election-ms", "clients", "rate", "lease-reads", "seed"} {
		if one := flags.Lookup(name); one.Value.String() != one.DefValue || name == "seed" || name == "minutes" {
			said += " --" + name + "=" + one.Value.String()
		}
	}
	return said
}
