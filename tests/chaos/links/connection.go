package links

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// way is one of the two directions of a connection.
type way struct {
	key  pair
	left atomic.Int64 // bytes until it is cut, and 1; 0: it is not to be cut
}

// connection is what a node dialed, and what the proxy dialed for it.
type connection struct {
	there, back way // from the dialer to the target, and back
	ended       chan struct{}
	once        sync.Once
	mutex       sync.Mutex
	halves      []net.Conn
	finished    int
}

func newConnection(dialer net.Conn, key pair) *connection {
	one := &connection{ended: make(chan struct{}), halves: []net.Conn{dialer}}
	one.there.key, one.back.key = key, pair{key.to, key.from}
	return one
}

// join adds the half that the proxy dialed; false when the connection has ended meanwhile.
func (c *connection) join(target net.Conn) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	select {
	case <-c.ended:
		target.Close()
		return false
	default:
		c.halves = append(c.halves, target)
		return true
	}
}

func (c *connection) carries(key pair) bool { return c.there.key == key || c.back.key == key }

func (c *connection) way(key pair) *way {
	if c.there.key == key {
		return &c.there
	}
	return &c.back
}

// close ends both halves; a peer that reads sees the end.
func (c *connection) close() {
	c.once.Do(func() {
		close(c.ended)
		c.mutex.Lock()
		defer c.mutex.Unlock()
		for _, half := range c.halves {
			half.Close()
		}
	})
}

// reset ends both halves by RST.
func (c *connection) reset() {
	c.mutex.Lock()
	for _, half := range c.halves {
		_ = half.(*net.TCPConn).SetLinger(0)
	}
	c.mutex.Unlock()
	c.close()
}

// finish passes on the end of one direction; when both have ended, the connection has.
func (c *connection) finish(to net.Conn) {
	_ = to.(*net.TCPConn).CloseWrite()
	c.mutex.Lock()
	c.finished++
	all := c.finished == 2
	c.mutex.Unlock()
	if all {
		c.close()
	}
}

// sleep waits; false when the connection ends before.
func (c *connection) sleep(long time.Duration) bool {
	if long <= 0 {
		return true
	}
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ended:
		return false
	}
}

// write sends the bytes, or those up to the cut and then breaks the connection.
func (c *connection) write(way *way, to net.Conn, bytes []byte) bool {
	left := way.left.Load()
	if left > 0 && int64(len(bytes)) >= left {
		_, _ = to.Write(bytes[:left-1])
		c.reset()
		return false
	}
	if left > 0 {
		way.left.Add(-int64(len(bytes)))
	}
	_, err := to.Write(bytes)
	return err == nil
}
