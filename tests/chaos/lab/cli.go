package lab

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

const cliClasses = "com.alipay.sofa.jraft.rpc.CliRequests$"

// AddPeer asks the leader to take a peer into the group.
func (c *Connection) AddPeer(group, leader, peer string, within time.Duration) error {
	return c.cli("AddPeerRequest", within, group, leader, peer)
}

// RemovePeer asks the leader to remove a peer.
func (c *Connection) RemovePeer(group, leader, peer string, within time.Duration) error {
	return c.cli("RemovePeerRequest", within, group, leader, peer)
}

// TransferLeader asks the leader to hand over to a peer; it answers before that is done.
func (c *Connection) TransferLeader(group, leader, peer string, within time.Duration) error {
	return c.cli("TransferLeaderRequest", within, group, leader, peer)
}

// Snapshot asks a node to save a snapshot, and waits for it.
func (c *Connection) Snapshot(group, peer string, within time.Duration) error {
	return c.cli("SnapshotRequest", within, group, peer)
}

// Peers asks the leader who its peers are.
func (c *Connection) Peers(group, leader string, within time.Duration) ([]string, error) {
	class, answer, err := c.Call(cliClasses+"GetPeersRequest", nil, texts(group, leader), within)
	if err == nil && strings.HasSuffix(class, "$ErrorResponse") {
		err = errorOf(answer)
	}
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(answer)
	var peers []string
	for _, one := range fields {
		if one.number == 1 {
			peers = append(peers, one.text)
		}
	}
	return peers, err
}

// cli sends a message whose fields 1, 2, ... are texts. An ErrorResponse with another code than 0 is an error.
func (c *Connection) cli(name string, within time.Duration, fields ...string) error {
	class, answer, err := c.Call(cliClasses+name, nil, texts(fields...), within)
	if err != nil || !strings.HasSuffix(class, "$ErrorResponse") {
		return err
	}
	return errorOf(answer)
}

func texts(fields ...string) []byte {
	var content []byte
	for i, text := range fields {
		content = binary.AppendUvarint(append(content, byte(i+1)<<3|2), uint64(len(text)))
		content = append(content, text...)
	}
	return content
}

// errorOf reads an ErrorResponse: 1 int32 errorCode, 2 string errorMsg.
func errorOf(content []byte) error {
	code, text := int32(0), ""
	fields, err := fieldsOf(content)
	for _, one := range fields {
		switch one.number {
		case 1:
			code = int32(one.value)
		case 2:
			text = one.text
		}
	}
	if err != nil || code == 0 {
		return err
	}
	return fmt.Errorf("code %d: %s", code, text)
}

// field of a message: a number, or a text (or a message inside).
type field struct {
	number uint64
	value  uint64
	text   string
}

func fieldsOf(content []byte) ([]field, error) {
	var fields []field
	for len(content) > 0 {
		tag, n := binary.Uvarint(content)
		value, m := uint64(0), 0
		if n > 0 {
			value, m = binary.Uvarint(content[n:])
		}
		isText := tag&7 == 2
		if n <= 0 || m <= 0 || tag&7 != 0 && !isText || isText && value > uint64(len(content)-n-m) {
			return nil, fmt.Errorf("an answer of %d bytes to a command cannot be read", len(content))
		}
		content = content[n+m:]
		one := field{number: tag >> 3, value: value}
		if isText {
			one.text, content = string(content[:value]), content[value:]
		}
		fields = append(fields, one)
	}
	return fields, nil
}
