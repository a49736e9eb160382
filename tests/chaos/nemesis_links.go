package main

import (
	"fmt"
	"time"

	"sofa/chaos/links"
)

// partition lets a pair of nodes hear each other only where `connected` says so of them; each direction is asked for alone.
func (c *Chaos) partition(connected func(from, to int) bool) {
	for from := range c.Nodes {
		for to := range c.Nodes {
			if from != to && !connected(from, to) {
				c.Links.Set(from, to, links.Rule{Stall: true})
			}
		}
	}
}

func heal(c *Chaos) {
	c.Links.Heal()
	c.Say("links are healed")
}

// shuffled gives the nodes' numbers in random order.
func (c *Chaos) shuffled() []int { return c.random.Perm(len(c.Nodes)) }

// place says at which place of an order each node stands.
func place(order []int) map[int]int {
	places := map[int]int{}
	for at, node := range order {
		places[node] = at
	}
	return places
}

var halves = Nemesis{"halves", func(c *Chaos) {
	order := c.shuffled()
	at, half := place(order), len(order)/2
	c.Fault("halves of %v after %d", order, half)
	c.partition(func(from, to int) bool { return (at[from] < half) == (at[to] < half) })
}, heal}

// ring: each node hears a majority, no two the same one.
var ring = Nemesis{"ring", func(c *Chaos) {
	order := c.shuffled()
	at, count := place(order), len(order)
	reach := count / 4 // neighbours on each side that are heard: with 5 nodes one, so that each sees 3
	c.Fault("ring of majorities %v", order)
	c.partition(func(from, to int) bool {
		apart := (at[from] - at[to] + count) % count
		return min(apart, count-apart) <= max(1, reach) && (count > 3 || at[from]+at[to] != 2)
	})
}, heal}

// bridge: two halves that hear only one node between them.
var bridge = Nemesis{"bridge", func(c *Chaos) {
	order := c.shuffled()
	at, middle := place(order), len(order)/2
	c.Fault("bridge %v over n%d", order, order[middle]+1)
	c.partition(func(from, to int) bool {
		return at[from] == middle || at[to] == middle || (at[from] < middle) == (at[to] < middle)
	})
}, heal}

// oneWay: a node is heard and does not hear, or the other way round.
var oneWay = Nemesis{"one-way", func(c *Chaos) {
	node := c.random.IntN(len(c.Nodes))
	deaf := c.random.IntN(2) == 0
	c.Fault("one-way: n%d is %s", node+1, map[bool]string{true: "deaf", false: "mute"}[deaf])
	c.partition(func(from, to int) bool { return (deaf && to != node) || (!deaf && from != node) })
}, heal}

var isolateLeader = Nemesis{"isolate-leader", func(c *Chaos) {
	leader := c.monitor.Leader()
	if leader == nil {
		return
	}
	c.Fault("the leader %s is alone", leader)
	c.partition(func(from, to int) bool { return from != leader.Index && to != leader.Index })
}, heal}

// linkFaults gives each directed link something of its own.
var linkFaults = Nemesis{"links", func(c *Chaos) {
	said := ""
	for from := range c.Nodes {
		for to := range c.Nodes {
			if from == to || c.random.IntN(3) == 0 {
				continue
			}
			said += fmt.Sprintf(" %d>%d %s", from+1, to+1, c.linkFault(from, to))
		}
	}
	c.Fault("links:%s", said)
}, heal}

// linkFault does one kind of harm to one directed link, and names it.
func (c *Chaos) linkFault(from, to int) string {
	election := time.Duration(c.ElectionMs) * time.Millisecond
	switch c.random.IntN(6) {
	case 0:
		delay := time.Duration(c.random.Int64N(int64(election) / 4))
		c.Links.Set(from, to, links.Rule{Delay: delay, Jitter: delay})
		return fmt.Sprintf("delay %v", delay.Round(time.Millisecond))
	case 1:
		c.Links.Set(from, to, links.Rule{Rate: 4096 << c.random.IntN(8)})
		return "slow"
	case 2:
		c.Links.Set(from, to, links.Rule{Swallow: true})
		return "black hole"
	case 3:
		c.Links.Set(from, to, links.Rule{Stall: true})
		return "stall"
	case 4:
		c.Links.CutAfter(from, to, c.random.Int64N(20_000))
		return "cut"
	default:
		c.Links.Reset(from, to)
		return "reset"
	}
}

// cuts break connections in the middle of messages, many times.
var cuts = Nemesis{"cuts", func(c *Chaos) {
	c.Fault("connections are cut at random bytes")
	for range 30 {
		order := c.shuffled()
		c.Links.CutAfter(order[0], order[1], c.random.Int64N(3000))
		time.Sleep(60 * time.Millisecond)
	}
}, func(*Chaos) {}}
