package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"sofa/chaos/lab"
)

// Chaos is what nemeses work on: the group, who leads, and the random numbers of the run.
type Chaos struct {
	*Group
	monitor *Monitor
	random  *rand.Rand
	started time.Time
	mutex   sync.Mutex
	events  *os.File
	faults  int
	removed *Node // from the group, and not yet back
}

// NewChaos writes its events to the file "events" in the group's folder.
func NewChaos(group *Group, monitor *Monitor) (*Chaos, error) {
	events, err := os.Create(filepath.Join(group.Folder, "events"))
	return &Chaos{Group: group, monitor: monitor, random: rand.New(rand.NewPCG(group.Seed, 3)), started: time.Now(), events: events}, err
}

// Say notes an event.
func (c *Chaos) Say(format string, values ...any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	fmt.Fprintf(c.events, "%8.3f %s\n", time.Since(c.started).Seconds(), fmt.Sprintf(format, values...))
}

// Fault notes an injected fault.
func (c *Chaos) Fault(format string, values ...any) {
	c.mutex.Lock()
	c.faults++
	c.mutex.Unlock()
	c.Say(format, values...)
}

// Nemesis does harm, and ends it.
type Nemesis struct {
	name  string
	begin func(*Chaos)
	end   func(*Chaos)
}

// failsCalls says whether calls of a disk fail. Two such at the same time would take each other's failures for their own.
func (n Nemesis) failsCalls() bool { return n.name == "failing-disk" || n.name == "full-disk" }

// some gives a random subset of 1 to most nodes.
func (c *Chaos) some(most int) []*Node {
	nodes := append([]*Node(nil), c.Nodes...)
	c.random.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes[:1+c.random.IntN(max(1, most))]
}

// minority is the most nodes that a group can be without.
func (c *Chaos) minority() int { return (len(c.Nodes) - 1) / 2 }

// mostlySmall is a subset to kill or pause: mostly of a minority, now and then of all.
func (c *Chaos) mostlySmall() []*Node {
	if c.random.IntN(4) == 0 {
		return c.some(len(c.Nodes))
	}
	return c.some(c.minority())
}

func names(nodes []*Node) string {
	var all []string
	for _, node := range nodes {
		all = append(all, node.String())
	}
	return strings.Join(all, " ")
}

// settle heals everything that a nemesis may have left: links, clocks, disks, stopped and dead processes.
func (c *Chaos) settle() {
	c.Links.Heal()
	for _, node := range c.Nodes {
		node.Control.Clear()
		node.Signal(syscall.SIGCONT)
	}
	for _, node := range c.Nodes {
		c.revive(node)
		node.MayEnd(false)
	}
	if err := c.takeBack(40 * time.Second); err != nil {
		c.Problem("%s cannot be added again: %v", c.removed, err)
	}
	c.Say("all faults ended")
}

// revive starts a node that is dead, and one anew whose disk had failed: ERROR is final.
func (c *Chaos) revive(node *Node) {
	if node.InError(time.Second) {
		c.Say("%s is in ERROR and is started anew", node)
		node.Kill()
	}
	node.Restart()
}

var kill = Nemesis{"kill", func(c *Chaos) {
	nodes := c.mostlySmall()
	c.Fault("kill -9 of %s", names(nodes))
	for _, node := range nodes {
		node.Kill()
	}
}, func(c *Chaos) {
	for _, node := range c.Nodes {
		node.Restart()
	}
	c.Say("all run")
}}

var killLeader = Nemesis{"kill-leader", func(c *Chaos) {
	if leader := c.monitor.Leader(); leader != nil {
		c.Fault("kill -9 of the leader %s", leader)
		leader.Kill()
	}
}, kill.end}

var pause = Nemesis{"pause", func(c *Chaos) {
	nodes := c.some(c.minority())
	if leader := c.monitor.Leader(); leader != nil && c.random.IntN(2) == 0 {
		nodes = []*Node{leader}
	}
	c.Fault("pause of %s", names(nodes))
	for _, node := range nodes {
		node.Signal(syscall.SIGSTOP)
	}
}, func(c *Chaos) {
	for _, node := range c.Nodes {
		node.Signal(syscall.SIGCONT)
	}
	c.Say("all go on")
}}

// flicker stops a node for a little longer or shorter than leases and timeouts, again and again.
var flicker = Nemesis{"flicker", func(c *Chaos) {
	for range 3 {
		node := c.Nodes[c.random.IntN(len(c.Nodes))]
		if leader := c.monitor.Leader(); leader != nil && c.random.IntN(3) > 0 {
			node = leader
		}
		long := time.Duration(c.ElectionMs/2+c.random.IntN(2*c.ElectionMs)) * time.Millisecond
		c.Fault("pause of %s for %v", node, long)
		node.Signal(syscall.SIGSTOP)
		time.Sleep(long)
		node.Signal(syscall.SIGCONT)
	}
}, func(*Chaos) {}}

var clocks = Nemesis{"clock", func(c *Chaos) {
	for _, node := range c.some(len(c.Nodes)) {
		by := time.Duration(c.random.Int64N(int64(2*time.Hour))) - time.Hour
		if c.random.IntN(2) == 0 {
			by /= 3600
		}
		c.Fault("wall clock of %s by %v", node, by)
		node.Control.ShiftClock(by)
	}
}, func(c *Chaos) {
	for _, node := range c.Nodes {
		node.Control.ShiftClock(0)
	}
	c.Say("clocks are right")
}}

var strobe = Nemesis{"strobe", func(c *Chaos) {
	node := c.Nodes[c.random.IntN(len(c.Nodes))]
	c.Fault("wall clock of %s jumps to and fro", node)
	for range 40 {
		node.Control.ShiftClock(time.Duration(c.random.Int64N(int64(20*time.Second))) - 10*time.Second)
		time.Sleep(50 * time.Millisecond)
	}
}, clocks.end}

var transfer = Nemesis{"transfer", func(c *Chaos) {
	leader := c.monitor.Leader()
	to := c.Nodes[c.random.IntN(len(c.Nodes))]
	if leader == nil || leader == to {
		return
	}
	err := c.ask(leader, func(connection *lab.Connection) error {
		return connection.TransferLeader(groupName, leader.Peer, to.Peer, 5*time.Second)
	})
	c.Fault("transfer from %s to %s: %v", leader, to, err)
}, func(*Chaos) {}}

var snapshot = Nemesis{"snapshot", func(c *Chaos) {
	for _, node := range c.some(len(c.Nodes)) {
		err := c.ask(node, func(connection *lab.Connection) error {
			status, text, err := connection.Do(lab.Trigger, "", nil, 10*time.Second)
			if err == nil && status != lab.OK {
				return fmt.Errorf("%s", text)
			}
			return err
		})
		c.Fault("snapshot at %s: %v", node, err)
	}
}, func(*Chaos) {}}

// ask opens a connection for one question to a node.
func (c *Chaos) ask(node *Node, question func(*lab.Connection) error) error {
	connection, err := lab.Dial(node.Peer, time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	return question(connection)
}

var rolling = Nemesis{"rolling", func(c *Chaos) {
	for _, node := range c.Nodes {
		c.Fault("restart of %s", node)
		if err := node.Stop(15 * time.Second); err != nil {
			c.Problem("%v", err)
		}
		node.Restart()
		time.Sleep(time.Duration(c.ElectionMs) * time.Millisecond)
	}
}, func(*Chaos) {}}

// membership removes a node, perhaps with its data, and takes it back in the end.
var membership = Nemesis{"membership", func(c *Chaos) {
	if c.removed != nil {
		return
	}
	node := c.Nodes[c.random.IntN(len(c.Nodes))]
	err := c.change("RemovePeer", node)
	c.removed = node // also after an error: the answer alone may have been lost
	c.Fault("%s is removed: %v", node, err)
	if err == nil && c.random.IntN(2) == 0 {
		c.wipe(node)
	}
}, func(c *Chaos) { _ = c.takeBack(10 * time.Second) }}

// takeBack adds the node that was removed. While others are dead there may be no majority that could; settle tries again.
func (c *Chaos) takeBack(within time.Duration) error {
	if c.removed == nil {
		return nil
	}
	err := c.until(within, func() error { return c.change("AddPeer", c.removed) })
	c.Say("%s is added: %v", c.removed, err)
	if err == nil {
		c.removed = nil
	}
	return err
}

// wipe takes all data from a node that is no member, which then waits to be added.
func (c *Chaos) wipe(node *Node) {
	node.Kill()
	if err := node.Wipe(); err != nil {
		c.Problem("%v", err)
	}
	c.Fault("%s is wiped", node)
	node.Restart()
}

// change asks whoever leads to add or remove a node. That it is done already is success: an answer may have been lost.
func (c *Chaos) change(what string, node *Node) error {
	leader := c.monitor.Leader()
	if leader == nil {
		return fmt.Errorf("nobody leads")
	}
	return c.ask(leader, func(connection *lab.Connection) error {
		if what == "AddPeer" {
			err := connection.AddPeer(groupName, leader.Peer, node.Peer, 15*time.Second)
			if err != nil && isMember(connection, leader, node) {
				return nil
			}
			return err
		}
		return connection.RemovePeer(groupName, leader.Peer, node.Peer, 15*time.Second)
	})
}

// isMember asks whoever leads. What JRaft answers to AddPeer of a member, "internal error", it answers, too, when it does not lead.
func isMember(connection *lab.Connection, leader, node *Node) bool {
	peers, err := connection.Peers(groupName, leader.Peer, 5*time.Second)
	return err == nil && slices.Contains(peers, node.Peer)
}

func (c *Chaos) until(within time.Duration, done func() error) error {
	deadline := time.Now().Add(within)
	for {
		err := done()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(300 * time.Millisecond)
	}
}
