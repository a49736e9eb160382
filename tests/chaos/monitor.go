package main

import (
	"sync"
	"sync/atomic"
	"time"

	"sofa/chaos/lab"
)

const (
	monitorEvery  = 100 * time.Millisecond
	monitorWithin = 500 * time.Millisecond
)

// Monitor asks every node for its state all the time. It knows who leads, counts the changes, and notes what may never be: two leaders of a term,
// a term or a commit index that goes back while a process lives.
type Monitor struct {
	group   *Group
	leader  atomic.Int32 // index of the node that led last; -1: none is known
	mutex   sync.Mutex
	leaders map[int64]int // term -> node
	newest  int64
	stop    chan struct{}
	done    sync.WaitGroup
}

// NewMonitor begins to ask.
func NewMonitor(group *Group) *Monitor {
	monitor := &Monitor{group: group, leaders: map[int64]int{}, stop: make(chan struct{})}
	monitor.leader.Store(-1)
	for _, node := range group.Nodes {
		monitor.done.Add(1)
		go monitor.watch(node)
	}
	return monitor
}

// Close ends it.
func (m *Monitor) Close() {
	close(m.stop)
	m.done.Wait()
}

// Leader is the node that led last, or nil.
func (m *Monitor) Leader() *Node {
	if index := m.leader.Load(); index >= 0 {
		return m.group.Nodes[index]
	}
	return nil
}

// Changes counts the terms that had a leader, but the first.
func (m *Monitor) Changes() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return max(0, len(m.leaders)-1)
}

// Hint is what a node that does not lead says of who does.
func (m *Monitor) Hint(peer string) {
	for _, node := range m.group.Nodes {
		if node.Peer == peer {
			m.leader.Store(int32(node.Index))
		}
	}
}

func (m *Monitor) watch(node *Node) {
	defer m.done.Done()
	var connection *lab.Connection
	var before lab.State
	for {
		select {
		case <-m.stop:
			if connection != nil {
				connection.Close()
			}
			return
		case <-time.After(monitorEvery):
		}
		if connection == nil {
			// A connection of its own for each life of the process: what may not go back may do so over a restart.
			var err error
			if connection, err = lab.Dial(node.Peer, monitorWithin); err != nil {
				connection = nil
				continue
			}
			before = lab.State{}
		}
		state, err := connection.Info(monitorWithin)
		if err != nil {
			connection.Close()
			connection = nil
			continue
		}
		m.judge(node, before, state)
		before = state
	}
}

func (m *Monitor) judge(node *Node, before, state lab.State) {
	if state.Term < before.Term || state.Committed < before.Committed || state.Applied < before.Applied {
		m.group.Problem("%s went back from %+v to %+v", node, before, state)
	}
	if state.Name != "LEADER" {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if other, known := m.leaders[state.Term]; known && other != node.Index {
		m.group.Problem("term %d has two leaders: %s and %s", state.Term, node, m.group.Nodes[other])
	}
	m.leaders[state.Term] = node.Index
	if state.Term >= m.newest {
		m.newest = state.Term
		m.leader.Store(int32(node.Index))
	}
}
