package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scripted gives a group of one node, whose program is a script.
func scripted(t *testing.T, script string) (*Group, *Node) {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	group, err := NewGroup(Settings{Kinds: "c", ElectionMs: 1000, Folder: folder, Program: program, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	return group, group.Nodes[0]
}

func TestAnEndThatNobodyWantedIsToldWithTheLastLines(t *testing.T) {
	group, node := scripted(t, "for i in $(seq 20); do echo line $i; done; exit 1")
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := node.WaitReady(startsWithin); !errors.Is(err, errEnded) {
		t.Errorf("the start gave %v", err)
	}
	problems := strings.Join(group.Problems(), "; ")
	if !strings.Contains(problems, "exit status 1") || !strings.Contains(problems, "line 6\n") || !strings.HasSuffix(problems, "line 20") ||
		strings.Contains(problems, "line 5\n") {
		t.Errorf("the problems are %s", problems)
	}
}

func TestAStartMayEndWhereTheDiskRefusesIt(t *testing.T) {
	group, node := scripted(t, "exit 1")
	node.Control.FailSyncs(syscall.EIO)
	node.Restart()
	node.Control.Clear()
	node.Control.FillDisk(true) // and the folder is new
	node.Restart()
	if problems := group.Problems(); len(problems) > 0 {
		t.Errorf("the problems are %v", problems)
	}
	if err := os.MkdirAll(filepath.Join(node.data(), "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(node.data(), "log", "segment-1.log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	node.Restart()
	if len(group.Problems()) == 0 {
		t.Error("a node with a log does not start on a full disk, and that is no problem")
	}
}

func TestANodeThatIsPausedCanBeStopped(t *testing.T) {
	_, node := scripted(t, "echo READY here; exec sleep 600")
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := node.WaitReady(startsWithin); err != nil {
		t.Fatal(err)
	}
	node.Signal(syscall.SIGSTOP)
	if err := node.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestPortsAreNoneThatTheKernelHandsOut(t *testing.T) {
	ports, err := freePorts(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		if port < 10_000 || port >= firstHandedOut() {
			t.Errorf("port %d", port)
		}
	}
}
