package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// Operation is what a client is to do next.
type Operation struct {
	op            string // as in a history
	key           string
	value, expect *string
}

// Workload says what clients do. It is asked by all of them at the same time.
type Workload interface {
	Next(client int, random *rand.Rand) Operation
	// Done hears of the outcome, with the key's value where the answer told it.
	Done(operation Operation, outcome Outcome, seen *string)
	// Keys gives the keys that a final read is to show.
	Keys() []string
}

// pool hands out keys, and new ones in their place once they have had enough: a history is judged key by key, and each operation whose outcome is
// unknown doubles the ways in which it may be explained.
type pool struct {
	mutex       sync.Mutex
	name        string
	limit       int // operations a key
	unknowns    int // unknown ones a key
	active, all []*poolKey
}

type poolKey struct {
	name             string
	operations, open int
	last             *string // a value that it had lately
}

func newPool(name string, active, limit, unknowns int) *pool {
	made := &pool{name: name, limit: limit, unknowns: unknowns, active: make([]*poolKey, active)}
	for i := range made.active {
		made.active[i] = made.fresh()
	}
	return made
}

func (p *pool) fresh() *poolKey {
	key := &poolKey{name: fmt.Sprintf("%s%d", p.name, len(p.all))}
	p.all = append(p.all, key)
	return key
}

// take gives a key and a value that it had lately.
func (p *pool) take(random *rand.Rand) (string, *string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	at := random.IntN(len(p.active))
	if key := p.active[at]; key.operations >= p.limit || key.open >= p.unknowns {
		p.active[at] = p.fresh()
	}
	key := p.active[at]
	key.operations++
	return key.name, key.last
}

func (p *pool) done(name string, outcome Outcome, seen *string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, key := range p.active {
		if key.name != name {
			continue
		}
		if outcome == unknown {
			key.open++
		}
		if seen != nil {
			key.last = seen
		}
	}
}

func (p *pool) keys() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var names []string
	for _, key := range p.all {
		names = append(names, key.name)
	}
	return names
}

// unique gives values that no other operation has.
type unique struct {
	mutex sync.Mutex
	next  int
}

func (u *unique) number() int {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.next++
	return u.next
}

// registers are keys that are read, written and compared and set.
type registers struct {
	pool          *pool
	unique        unique
	reads, writes int // of 100 operations; the rest are compare-and-set
}

// newRegisters are independent keys, as Jepsen's partition test has them.
func newRegisters() *registers {
	return &registers{pool: newPool("r", 5, 100, 12), reads: 40, writes: 30}
}

// newCasKey is one key at a time, mostly compared and set, and then read.
func newCasKey() *registers { return &registers{pool: newPool("a", 1, 400, 12), reads: 30, writes: 5} }

func (r *registers) Next(client int, random *rand.Rand) Operation {
	key, last := r.pool.take(random)
	value := fmt.Sprintf("c%d-%d", client, r.unique.number())
	switch draw := random.IntN(100); {
	case draw < r.reads:
		return Operation{op: "get", key: key}
	case draw < r.reads+r.writes:
		return Operation{op: "put", key: key, value: &value}
	default:
		return Operation{op: "cas", key: key, value: &value, expect: last}
	}
}

func (r *registers) Done(operation Operation, outcome Outcome, seen *string) {
	r.pool.done(operation.key, outcome, seen)
}

func (r *registers) Keys() []string { return r.pool.keys() }

// counters are keys that are added to, and read.
type counters struct{ pool *pool }

func newCounters() *counters { return &counters{pool: newPool("n", 3, 150, 8)} }

func (c *counters) Next(_ int, random *rand.Rand) Operation {
	key, _ := c.pool.take(random)
	if random.IntN(100) < 30 {
		return Operation{op: "get", key: key}
	}
	delta := fmt.Sprint(1 + random.IntN(9))
	return Operation{op: "add", key: key, value: &delta}
}

func (c *counters) Done(operation Operation, outcome Outcome, _ *string) {
	c.pool.done(operation.key, outcome, nil)
}

func (c *counters) Keys() []string { return c.pool.keys() }

// lists are keys that are appended to, and read whole.
type lists struct {
	pool   *pool
	unique unique
}

func newLists() *lists { return &lists{pool: newPool("l", 3, 100, 8)} }

func (l *lists) Next(client int, random *rand.Rand) Operation {
	key, _ := l.pool.take(random)
	if random.IntN(100) < 40 {
		return Operation{op: "get", key: key}
	}
	item := fmt.Sprintf("c%d-%d,", client, l.unique.number())
	return Operation{op: "append", key: key, value: &item}
}

func (l *lists) Done(operation Operation, outcome Outcome, _ *string) {
	l.pool.done(operation.key, outcome, nil)
}

func (l *lists) Keys() []string { return l.pool.keys() }

// set is one key for each element: all that was acknowledged must be there at the end, and nothing that failed.
type set struct{ unique unique }

func (s *set) Next(client int, _ *rand.Rand) Operation {
	value := fmt.Sprintf("of c%d", client)
	return Operation{op: "put", key: fmt.Sprintf("s%d", s.unique.number()), value: &value}
}

func (s *set) Done(Operation, Outcome, *string) {}

// Keys are none: the set is judged by the dump of all keys.
func (s *set) Keys() []string { return nil }

// judgeSet compares what the clients know with the keys that are there.
func judgeSet(records []Record, there map[string]string) []string {
	var wrong []string
	tried := map[string]Record{}
	for _, record := range records {
		tried[record.Key] = record
		value, found := there[record.Key]
		if record.Status == ok && (!found || value != *record.Value) {
			wrong = append(wrong, fmt.Sprintf("element %s was acknowledged and is lost", record.Key))
		}
		if record.Status == failed && found {
			wrong = append(wrong, fmt.Sprintf("element %s was refused and is there", record.Key))
		}
	}
	for key := range there {
		if _, known := tried[key]; !known {
			wrong = append(wrong, fmt.Sprintf("element %s was never put and is there", key))
		}
	}
	return wrong
}
