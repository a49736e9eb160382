package main

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"sofa/chaos/lab"
)

const (
	callWithin = 3 * time.Second
	dialWithin = time.Second
	backOff    = 30 * time.Millisecond // after what failed
)

// Client does one operation after the other, and tells the history of each.
type Client struct {
	number      int
	group       *Group
	monitor     *Monitor
	history     *History
	random      *rand.Rand
	connections map[int]*lab.Connection // by node
}

// NewClient makes one; its number is that of its operations in the history.
func NewClient(number int, group *Group, monitor *Monitor, history *History) *Client {
	return &Client{number: number, group: group, monitor: monitor, history: history,
		random: rand.New(rand.NewPCG(group.Seed, uint64(number)+100)), connections: map[int]*lab.Connection{}}
}

// Run works about `rate` times a second until stop is closed.
func (c *Client) Run(workload Workload, rate float64, stop <-chan struct{}) {
	defer c.Close()
	for {
		pause := time.Duration(c.random.ExpFloat64() / rate * float64(time.Second))
		select {
		case <-stop:
			return
		case <-time.After(min(pause, time.Second)):
		}
		operation := workload.Next(c.number, c.random)
		outcome, seen := c.Do(operation, c.target(operation))
		workload.Done(operation, outcome, seen)
		if outcome != ok {
			time.Sleep(backOff)
		}
	}
}

// Close ends its connections.
func (c *Client) Close() {
	for _, connection := range c.connections {
		connection.Close()
	}
	c.connections = map[int]*lab.Connection{}
}

// target is the leader for most writes, and any node for half of the reads.
func (c *Client) target(operation Operation) *Node {
	leader := c.monitor.Leader()
	stray := 5
	if operation.op == "get" {
		stray = 50
	}
	if leader == nil || c.random.IntN(100) < stray {
		return c.group.Nodes[c.random.IntN(len(c.group.Nodes))]
	}
	return leader
}

// Do does one operation at a node, and records it. `seen` is the value that the key had just then, where the answer tells it.
func (c *Client) Do(operation Operation, node *Node) (Outcome, *string) {
	record := Record{Client: c.number, Op: operation.op, Key: operation.key, Value: operation.value, Expect: operation.expect, Call: c.history.Now()}
	status, answer, err := c.send(operation, node)
	record.Return = c.history.Now()
	record.Status = outcomeOf(operation, status, err)
	if errors.Is(err, lab.ErrNotSent) {
		return failed, nil // the node was not there: nothing worth a line of the history
	}
	if status == lab.NotLeader && err == nil {
		c.monitor.Hint(string(answer))
	}
	if record.Status == ok {
		record.Result = resultOf(operation, status, answer)
	}
	if record.Status == unknown {
		record.Return = 0
	}
	c.history.Add(record)
	return record.Status, seenBy(record)
}

func (c *Client) send(operation Operation, node *Node) (lab.Status, []byte, error) {
	connection := c.connections[node.Index]
	if connection == nil {
		var err error
		if connection, err = lab.Dial(node.Peer, dialWithin); err != nil {
			return lab.Failed, nil, err
		}
		c.connections[node.Index] = connection
	}
	op, rest := requestOf(operation)
	status, answer, err := connection.Do(op, operation.key, rest, callWithin)
	if err != nil {
		delete(c.connections, node.Index)
	}
	return status, answer, err
}

func requestOf(operation Operation) (lab.Op, []byte) {
	switch operation.op {
	case "put":
		return lab.Put, []byte(*operation.value)
	case "append":
		return lab.Append, []byte(*operation.value)
	case "add":
		delta, _ := strconv.ParseInt(*operation.value, 10, 64)
		return lab.Add, lab.AddRest(delta)
	case "cas":
		return lab.Cas, lab.CasRest(operation.expect, *operation.value)
	default:
		return lab.Get, nil
	}
}

// outcomeOf is honest: whatever may have had an effect is unknown. A read has none.
func outcomeOf(operation Operation, status lab.Status, err error) Outcome {
	switch {
	case err == nil && (status == lab.OK || status == lab.Missing):
		return ok
	case err == nil && status == lab.NotLeader, operation.op == "get", errors.Is(err, lab.ErrNotSent):
		return failed
	default:
		return unknown
	}
}

func resultOf(operation Operation, status lab.Status, answer []byte) *string {
	text := string(answer)
	switch operation.op {
	case "get":
		if status == lab.Missing {
			return nil
		}
	case "cas":
		text = strconv.FormatBool(len(answer) == 1 && answer[0] == 1)
	case "add":
	default:
		return nil
	}
	return &text
}

func seenBy(record Record) *string {
	if record.Status != ok {
		return nil
	}
	switch {
	case record.Op == "get":
		return record.Result
	case record.Op == "put", record.Op == "cas" && *record.Result == "true":
		return record.Value
	default:
		return nil
	}
}

// Clients are several that work at the same time.
type Clients struct {
	stop chan struct{}
	done sync.WaitGroup
}

// StartClients starts so many, each about `rate` operations a second.
func StartClients(count int, rate float64, group *Group, monitor *Monitor, history *History, workload Workload) *Clients {
	clients := &Clients{stop: make(chan struct{})}
	for number := range count {
		clients.done.Add(1)
		go func() {
			defer clients.done.Done()
			NewClient(number, group, monitor, history).Run(workload, rate, clients.stop)
		}()
	}
	return clients
}

// Stop lets each end the operation that it has begun.
func (c *Clients) Stop() {
	close(c.stop)
	c.done.Wait()
}
