package main

import (
	"syscall"
	"time"
)

// failingDisk lets syncs or writes of a minority fail with EIO. A node that met this may not go on as if nothing were: it is in ERROR, or has ended.
func failingDisk() Nemesis {
	var nodes []*Node
	return Nemesis{"failing-disk", func(c *Chaos) {
		nodes = c.some(c.minority())
		for _, node := range nodes {
			node.MayEnd(true)
			if c.random.IntN(3) > 0 {
				c.Fault("syncs of %s fail", node)
				node.Control.FailSyncs(syscall.EIO)
			} else {
				c.Fault("writes of %s fail", node)
				node.Control.FailWrites(syscall.EIO)
			}
		}
	}, func(c *Chaos) {
		for _, node := range nodes {
			c.endFailingDisk(node)
		}
		nodes = nil
	}}
}

func (c *Chaos) endFailingDisk(node *Node) {
	met := node.Control.Failed()
	said := "has ended"
	if node.Alive() {
		said = "in ERROR"
		if !node.InError(2 * time.Second) {
			said = "at work"
			if met > 0 {
				c.Problem("%s goes on although %d calls of its disk failed", node, met)
			}
		}
	}
	c.Say("the disk of %s is well again (%d calls failed; it was: %s); it is started anew", node, met, said)
	node.Kill()
	node.Control.Clear()
	node.Control.ResetFailed()
	node.Restart()
}

// fullDisk fills the disks of some nodes; with space again ours go on by themselves, JRaft's are started anew.
func fullDisk() Nemesis {
	var nodes []*Node
	return Nemesis{"full-disk", func(c *Chaos) {
		nodes = c.mostlySmall()
		c.Fault("disk full at %s", names(nodes))
		for _, node := range nodes {
			if node.Kind == 'j' {
				node.MayEnd(true)
			}
			// Of a plain disk there is room where a file has been; of one that shares or compresses its blocks there is none.
			if c.random.IntN(2) == 0 {
				node.Control.FillDisk(true)
			} else {
				node.Control.FailWrites(syscall.ENOSPC)
			}
		}
	}, func(c *Chaos) {
		for _, node := range nodes {
			c.Say("space again at %s (%d calls failed)", node, node.Control.Failed())
			node.Control.FillDisk(false)
			node.Control.FailWrites(0)
			node.Control.ResetFailed()
			if node.Kind == 'j' {
				c.revive(node)
				continue
			}
			if node.InError(2 * time.Second) {
				c.Problem("%s is in ERROR because its disk was full", node)
			}
			node.Restart() // one that another nemesis had killed, and that could not start
			node.MayEnd(false)
		}
		nodes = nil
	}}
}

var slowDisk = Nemesis{"slow-disk", func(c *Chaos) {
	for _, node := range c.some(len(c.Nodes)) {
		sync := time.Duration(c.random.IntN(300)) * time.Millisecond
		write := time.Duration(c.random.IntN(20)) * time.Millisecond
		c.Fault("disk of %s is slow: sync %v, write %v", node, sync, write)
		node.Control.Slow(sync, write)
	}
}, func(c *Chaos) {
	for _, node := range c.Nodes {
		node.Control.Slow(0, 0)
	}
	c.Say("disks are fast")
}}
