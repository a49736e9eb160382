// chaos runs a group of real processes under real faults, and says whether what its clients saw can be explained.
//
//	chaos raft [flags]                      the tests of docs/chaos.md
//	chaos power-cut FOLDER JOURNAL SEED     makes of a data folder what its disk could hold after a power cut
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"sofa/chaos/disk"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == "power-cut" {
		os.Exit(powerCut(os.Args[2], os.Args[3], os.Args[4]))
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
