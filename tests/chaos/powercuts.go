package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"sofa/chaos/disk"
)

// powerCuts cuts the power of all nodes, or of some, at random points under load, again and again. What no sync had made durable by then is kept,
// dropped or torn; the nodes are started on what is left.
func powerCuts(r *Run) {
	for cut := range r.Cuts {
		time.Sleep(time.Duration(r.chaos.random.IntN(400)) * time.Millisecond)
		victims := r.chaos.some(len(r.group.Nodes))
		if r.chaos.random.IntN(2) == 0 {
			victims = r.group.Nodes
		}
		r.cutPower(victims)
		for _, node := range victims {
			node.Restart()
		}
		if _, serves := r.progress(30); !serves || len(r.group.Problems()) > 0 {
			r.group.Problem("stopped after %d of %d power cuts", cut+1, r.Cuts)
			return
		}
		if (cut+1)%20 == 0 {
			fmt.Printf("  %d power cuts, %d operations\n", cut+1, r.history.Count(ok))
		}
	}
}

// cutPower kills the nodes: most of the time one of them at a step of its disk's work, and the others right then.
func (r *Run) cutPower(victims []*Node) {
	first := victims[0]
	for _, node := range victims {
		node.MayEnd(true)
	}
	if r.chaos.random.IntN(4) > 0 {
		first.Control.KillAfter(1 + r.chaos.random.Int64N([]int64{8, 60, 400}[r.chaos.random.IntN(3)]))
		first.Exits(time.Second)
	}
	for _, node := range victims {
		node.Kill()
		node.Control.KillAfter(0)
	}
	for _, node := range victims {
		taken, err := disk.Cut(node.data(), node.journal(), rand.New(rand.NewPCG(r.chaos.random.Uint64(), 4)))
		if err != nil {
			r.group.Problem("%v", err)
		}
		r.chaos.Fault("power cut at %s: %v", node, taken)
	}
}
