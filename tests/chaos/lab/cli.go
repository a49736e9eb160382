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

// cli sends a message whose fields 1, 2, ... are texts. An ErrorResponse with another code than 0 is an error.
func (c *Connection) cli(name string, within time.Duration, fields ...string) error {
	var content []byte
	for i, text := range fields {
		content = binary.AppendUvarint(append(content, byte(i+1)<<3|2), uint64(len(text)))
		content = append(content, text...)
	}
	class, answer, err := c.Call(cliClasses+name, nil, content, within)
	if err != nil || !strings.HasSuffix(class, "$ErrorResponse") {
		return err
	}
	return errorOf(answer)
}

// errorOf reads an ErrorResponse: 1 int32 errorCode, 2 string errorMsg.
func errorOf(content []byte) error {
	code, text := int32(0), ""
	for len(content) > 0 {
		tag, n := binary.Uvarint(content)
		value, m := uint64(0), 0
		if n > 0 {
			value, m = binary.Uvarint(content[n:])
		}
		if n <= 0 || m <= 0 {
			return fmt.Errorf("an ErrorResponse cannot be read")
		}
		content = content[n+m:]
		switch {
		case tag == 1<<3:
			code = int32(value)
		case tag == 2<<3|2 && value <= uint64(len(content)):
			text, content = string(content[:value]), content[value:]
		default:
			return fmt.Errorf("an ErrorResponse cannot be read")
		}
	}
	if code == 0 {
		return nil
	}
	return fmt.Errorf("code %d: %s", code, text)
}
