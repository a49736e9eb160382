// Package lab speaks with the nodes of the Raft lab: its requests (docs/protocols/jraft.md), and JRaft's CLI service, both over Bolt V1.
package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ErrNotSent tells that a request surely had no effect: it never left.
var ErrNotSent = errors.New("not sent")

const (
	requestHead  = 22
	responseHead = 20
	maxContent   = 256 << 20
)

// Connection is one Bolt connection with one request at a time. After an error it is closed: a late answer is never taken for another one.
type Connection struct {
	socket net.Conn
	next   uint32
}

// Dial connects; its error is an ErrNotSent.
func Dial(address string, within time.Duration) (*Connection, error) {
	socket, err := net.DialTimeout("tcp", address, within)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return &Connection{socket: socket}, nil
}

// Close ends the connection.
func (c *Connection) Close() { c.socket.Close() }

// Call sends one request and gives the class and the content of its answer.
func (c *Connection) Call(class string, header, content []byte, within time.Duration) (string, []byte, error) {
	_ = c.socket.SetDeadline(time.Now().Add(within))
	c.next++
	if _, err := c.socket.Write(request(c.next, class, header, content, within)); err != nil {
		c.Close()
		return "", nil, err
	}
	answered, body, err := c.answer(c.next)
	if err != nil {
		c.Close()
	}
	return answered, body, err
}

// request is a frame of Bolt V1: protocol 1, type request, command 1, version 1, codec 1.
func request(id uint32, class string, header, content []byte, within time.Duration) []byte {
	frame := make([]byte, 0, requestHead+len(class)+len(header)+len(content))
	frame = append(frame, 1, 1, 0, 1, 1)
	frame = binary.BigEndian.AppendUint32(frame, id)
	frame = append(frame, 1)
	frame = binary.BigEndian.AppendUint32(frame, uint32(within.Milliseconds()))
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(class)))
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(header)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(content)))
	frame = append(frame, class...)
	frame = append(frame, header...)
	return append(frame, content...)
}

func (c *Connection) answer(id uint32) (string, []byte, error) {
	head := make([]byte, responseHead)
	if _, err := io.ReadFull(c.socket, head); err != nil {
		return "", nil, err
	}
	if head[0] != 1 || head[1] != 0 || binary.BigEndian.Uint32(head[5:]) != id {
		return "", nil, fmt.Errorf("the answer to request %d begins with %x", id, head)
	}
	class, header := int(binary.BigEndian.Uint16(head[12:])), int(binary.BigEndian.Uint16(head[14:]))
	content := int(binary.BigEndian.Uint32(head[16:]))
	if content > maxContent {
		return "", nil, fmt.Errorf("an answer of %d bytes is too long", content)
	}
	body := make([]byte, class+header+content)
	if _, err := io.ReadFull(c.socket, body); err != nil {
		return "", nil, err
	}
	if status := binary.BigEndian.Uint16(head[10:]); status != 0 {
		return "", nil, fmt.Errorf("the answer has Bolt status %d", status)
	}
	return string(body[:class]), body[class+header:], nil
}
