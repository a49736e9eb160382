package lab

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Op is the first byte of a request.
type Op byte

const (
	Put     Op = 0x01
	Add     Op = 0x02
	Cas     Op = 0x03
	Delete  Op = 0x04
	Append  Op = 0x05
	Get     Op = 0x10 // linearizable, at any node
	Dump    Op = 0x12
	Info    Op = 0x13
	Trigger Op = 0x14
)

// Status is the first byte of an answer.
type Status byte

const (
	OK        Status = 0
	NotLeader Status = 1 // surely without effect
	Failed    Status = 2 // may have an effect, now or later
	Missing   Status = 3
)

const requestClass = "sofa.lab.KvRequest"

// Do sends a request; an error of the connection says nothing about its effect.
func (c *Connection) Do(op Op, key string, rest []byte, within time.Duration) (Status, []byte, error) {
	content := []byte{byte(op)}
	if op < Dump {
		content = binary.BigEndian.AppendUint16(content, uint16(len(key)))
		content = append(append(content, key...), rest...)
	}
	_, answer, err := c.Call(requestClass, nil, content, within)
	if err != nil {
		return Failed, nil, err
	}
	if len(answer) == 0 || answer[0] > byte(Missing) {
		return Failed, nil, fmt.Errorf("the answer '%x' has no status", answer)
	}
	return Status(answer[0]), answer[1:], nil
}

// CasRest is what follows the key: nil for a key that must be absent.
func CasRest(expect *string, update string) []byte {
	if expect == nil {
		return append([]byte{0xff, 0xff, 0xff, 0xff}, update...)
	}
	rest := binary.BigEndian.AppendUint32(nil, uint32(len(*expect)))
	return append(append(rest, *expect...), update...)
}

// AddRest is the delta of an Add.
func AddRest(delta int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(delta)) }

// ParseDump reads a snapshot: key and value by key.
func ParseDump(data []byte) (map[string]string, error) {
	all := map[string]string{}
	text := func() (string, bool) {
		if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
			return "", false
		}
		end := 4 + int(binary.BigEndian.Uint32(data))
		part := string(data[4:end])
		data = data[end:]
		return part, true
	}
	for len(data) > 0 {
		key, good := text()
		value, also := text()
		if !good || !also {
			return nil, fmt.Errorf("the snapshot ends in the middle of a pair, after %d", len(all))
		}
		all[key] = value
	}
	return all, nil
}

// State is what a node says of itself.
type State struct {
	Name                     string // LEADER, FOLLOWER, CANDIDATE, ERROR, ...
	Term, Committed, Applied int64
	Leader                   string // its peer; empty when none is known
}

// Info asks a node for its state.
func (c *Connection) Info(within time.Duration) (State, error) {
	status, answer, err := c.Do(Info, "", nil, within)
	if err != nil {
		return State{}, err
	}
	words := strings.Fields(string(answer))
	if status != OK || len(words) < 4 {
		return State{}, fmt.Errorf("INFO is answered with %d '%s'", status, answer)
	}
	state := State{Name: strings.TrimPrefix(words[0], "STATE_")}
	for i, number := range []*int64{&state.Term, &state.Committed, &state.Applied} {
		if *number, err = strconv.ParseInt(words[i+1], 10, 64); err != nil {
			return State{}, fmt.Errorf("INFO is answered with '%s'", answer)
		}
	}
	if len(words) > 4 && words[4] != "-" {
		state.Leader = words[4]
	}
	return state, nil
}
