package lab

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// answering gives a connection to a node that answers every command with one message.
func answering(t *testing.T, class string, content []byte) *Connection {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		defer socket.Close()
		for {
			head := make([]byte, 22)
			if _, err := io.ReadFull(socket, head); err != nil {
				return
			}
			rest := int64(binary.BigEndian.Uint16(head[14:])) + int64(binary.BigEndian.Uint16(head[16:])) + int64(binary.BigEndian.Uint32(head[18:]))
			if _, err := io.CopyN(io.Discard, socket, rest); err != nil {
				return
			}
			frame := append([]byte{1, 0, 0, 2, 1}, head[5:9]...)
			frame = append(frame, 1, 0, 0)
			frame = binary.BigEndian.AppendUint16(frame, uint16(len(class)))
			frame = append(frame, 0, 0)
			frame = binary.BigEndian.AppendUint32(frame, uint32(len(content)))
			if _, err := socket.Write(append(append(frame, class...), content...)); err != nil {
				return
			}
		}
	}()
	connection, err := Dial(listener.Addr().String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	return connection
}

func TestARefusalOfACommandIsAnErrorWithItsCodeAndText(t *testing.T) {
	refusal := append([]byte{1 << 3}, binary.AppendUvarint(nil, 1004)...)
	refusal = append(refusal, 2<<3|2, 10)
	refusal = append(refusal, "Not leader"...)
	connection := answering(t, "com.alipay.sofa.jraft.rpc.RpcRequests$ErrorResponse", refusal)
	if err := connection.AddPeer("g", "a:1", "b:1", 10*time.Second); err == nil || !strings.Contains(err.Error(), "code 1004: Not leader") {
		t.Errorf("AddPeer gave %v", err)
	}
	if peers, err := connection.Peers("g", "a:1", 10*time.Second); err == nil || len(peers) > 0 {
		t.Errorf("Peers gave %v, %v", peers, err)
	}
}

func TestPeersAreThoseThatTheLeaderNames(t *testing.T) {
	connection := answering(t, cliClasses+"GetPeersResponse", texts("a:1", "a learner"))
	peers, err := connection.Peers("g", "a:1", 10*time.Second)
	if err != nil || !slices.Equal(peers, []string{"a:1"}) {
		t.Errorf("Peers gave %v, %v", peers, err)
	}
	broken := answering(t, cliClasses+"GetPeersResponse", []byte{1<<3 | 2, 200})
	if _, err := broken.Peers("g", "a:1", 10*time.Second); err == nil {
		t.Error("an answer that ends too early is taken")
	}
}
