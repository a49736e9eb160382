// Package links puts a TCP proxy into each directed link of a group: what node a says to node b passes rules of its own, whichever of the two dialed.
//
// TCP knows no lost packet: a partition is bytes that stay where they are, as in the buffers of a kernel that goes on sending again. When it ends,
// a connection goes on with what it held, or breaks; each is drawn.
package links

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunkBytes  = 32 << 10
	queueChunks = 64 // a direction holds 2 MiB on its way; then its sender waits, as for a full window
	dialWithin  = 2 * time.Second
)

// Rule is what happens to bytes on their way from one node to another. The zero Rule lets them pass.
type Rule struct {
	Delay, Jitter time.Duration // each piece comes this much later, and up to Jitter more
	Rate          int           // bytes a second; 0: no bound
	Stall         bool          // bytes wait until the rule changes
	Swallow       bool          // bytes are taken and never come; the connection breaks when the rule changes
}

// Proxy holds the links of a group of nodes, which are numbered from 0.
type Proxy struct {
	targets   []string
	listeners map[pair]net.Listener
	mutex     sync.Mutex
	changed   chan struct{} // closed and made anew when a rule changes
	rules     map[pair]Rule
	live      map[*connection]struct{}
	random    *rand.Rand
	Resets    atomic.Int64 // connections that were broken on purpose
}

type pair struct{ from, to int }

// New listens once for each directed link between nodes, which listen at targets.
func New(targets []string, seed uint64) (*Proxy, error) {
	proxy := &Proxy{targets: targets, listeners: map[pair]net.Listener{}, changed: make(chan struct{}), rules: map[pair]Rule{},
		live: map[*connection]struct{}{}, random: rand.New(rand.NewPCG(seed, 2))}
	for from := range targets {
		for to := range targets {
			if from == to {
				continue
			}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				proxy.Close()
				return nil, err
			}
			proxy.listeners[pair{from, to}] = listener
			go proxy.serve(listener, pair{from, to})
		}
	}
	return proxy, nil
}

// Routes is the table by which node `from` finds the proxies (SOFA_FAULTS_LINKS).
func (p *Proxy) Routes(from int) string {
	table := ""
	for to, target := range p.targets {
		if to != from {
			table += fmt.Sprintf("%s=%s;", target, p.Address(from, to))
		}
	}
	return table
}

// Address is where node `from` dials node `to`.
func (p *Proxy) Address(from, to int) string { return p.listeners[pair{from, to}].Addr().String() }

// Set gives what node `from` says to node `to` a rule. It takes effect for connections that are open, too.
func (p *Proxy) Set(from, to int, rule Rule) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	key := pair{from, to}
	before := p.rules[key]
	p.rules[key] = rule
	for one := range p.live {
		if one.carries(key) && (before.Swallow && !rule.Swallow || before.Stall && !rule.Stall && p.random.IntN(2) == 0) {
			p.reset(one)
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Heal ends every rule.
func (p *Proxy) Heal() {
	for from := range p.targets {
		for to := range p.targets {
			if from != to {
				p.Set(from, to, Rule{})
			}
		}
	}
}

// Reset breaks the connections that carry what `from` says to `to`; what is on its way is lost. It gives their number.
func (p *Proxy) Reset(from, to int) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	count := 0
	for one := range p.live {
		if one.carries(pair{from, to}) {
			p.reset(one)
			count++
		}
	}
	return count
}

// CutAfter breaks each connection that carries what `from` says to `to` when that many bytes more have gone that way: in the middle of a message.
func (p *Proxy) CutAfter(from, to int, bytes int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for one := range p.live {
		if one.carries(pair{from, to}) {
			one.way(pair{from, to}).left.Store(bytes + 1)
		}
	}
}

// Close ends every listener and connection.
func (p *Proxy) Close() {
	for _, listener := range p.listeners {
		listener.Close()
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for one := range p.live {
		one.close()
	}
}

func (p *Proxy) reset(one *connection) {
	p.Resets.Add(1)
	one.reset()
}

func (p *Proxy) rule(key pair) (Rule, chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.rules[key], p.changed
}

func (p *Proxy) jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return time.Duration(p.random.Int64N(int64(most)))
}

func (p *Proxy) serve(listener net.Listener, key pair) {
	for {
		dialer, err := listener.Accept()
		if err != nil {
			return
		}
		go p.carry(dialer, key)
	}
}

// carry opens the other half as soon as both directions let a handshake pass, and moves bytes until one side ends.
func (p *Proxy) carry(dialer net.Conn, key pair) {
	one := newConnection(dialer, key)
	p.track(one, true)
	defer p.track(one, false)
	defer one.close()
	if !p.passable(one) {
		return
	}
	target, err := net.DialTimeout("tcp", p.targets[key.to], dialWithin)
	if err != nil || !one.join(target) {
		one.reset() // as a refused connection would be
		return
	}
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); p.move(one, &one.there, dialer, target) }()
	go func() { defer both.Done(); p.move(one, &one.back, target, dialer) }()
	both.Wait()
}

func (p *Proxy) track(one *connection, live bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if live {
		p.live[one] = struct{}{}
	} else {
		delete(p.live, one)
	}
}

// passable waits until neither direction holds bytes back; false when the connection ends before.
func (p *Proxy) passable(one *connection) bool {
	for {
		there, changed := p.rule(one.there.key)
		back, _ := p.rule(one.back.key)
		if !there.Stall && !there.Swallow && !back.Stall && !back.Swallow {
			return true
		}
		select {
		case <-changed:
		case <-one.ended:
			return false
		}
	}
}

type piece struct {
	bytes []byte
	at    time.Time
}

// move reads into a queue of pieces with the time at which each is due, and writes them from there.
func (p *Proxy) move(one *connection, way *way, from, to net.Conn) {
	queue := make(chan piece, queueChunks)
	go p.read(one, way, from, queue)
	for next := range queue {
		if !p.deliver(one, way, to, next) {
			break
		}
	}
	one.finish(to)
	for range queue { // until the reader sees that the connection has ended
	}
}

func (p *Proxy) read(one *connection, way *way, from net.Conn, queue chan<- piece) {
	defer close(queue)
	for {
		buffer := make([]byte, chunkBytes)
		n, err := from.Read(buffer)
		if n > 0 {
			rule, _ := p.rule(way.key)
			if !rule.Swallow {
				queue <- piece{buffer[:n], time.Now().Add(rule.Delay + p.jitter(rule.Jitter))}
			}
		}
		if err != nil {
			return
		}
	}
}

// deliver waits until the piece is due and the rule lets it pass; false when the connection has ended.
func (p *Proxy) deliver(one *connection, way *way, to net.Conn, next piece) bool {
	if !one.sleep(time.Until(next.at)) {
		return false
	}
	for {
		rule, changed := p.rule(way.key)
		if rule.Swallow {
			return true
		}
		if !rule.Stall {
			return one.write(way, to, next.bytes) && (rule.Rate == 0 || one.sleep(time.Duration(len(next.bytes))*time.Second/time.Duration(rule.Rate)))
		}
		select {
		case <-changed:
		case <-one.ended:
			return false
		}
	}
}
