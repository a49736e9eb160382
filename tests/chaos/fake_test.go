package main

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sofa/chaos/lab"
)

// fakeGroup is one map behind the addresses of several nodes, of which the first leads. It is linearizable, unless it is told to be wrong.
type fakeGroup struct {
	mutex sync.Mutex
	held  map[string]string
	old   map[string]string // each key's value before its last write
	wrong string            // "stale": node 2 reads what was before; "lost": one write in 20 is acknowledged and not done
	count int
}

// serveFake gives a Group whose nodes are served in this process, and a monitor of it.
func serveFake(t *testing.T, wrong string) (*Group, *Monitor) {
	t.Helper()
	fake := &fakeGroup{held: map[string]string{}, old: map[string]string{}, wrong: wrong}
	group := &Group{Settings: Settings{Seed: 1, ElectionMs: 1000}}
	for index := range 3 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		group.Nodes = append(group.Nodes, &Node{group: group, Index: index, Peer: listener.Addr().String()})
		go func() {
			for {
				socket, err := listener.Accept()
				if err != nil {
					return
				}
				go fake.serve(socket, index)
			}
		}()
	}
	monitor := NewMonitor(group)
	t.Cleanup(monitor.Close)
	return group, monitor
}

func (f *fakeGroup) serve(socket net.Conn, node int) {
	defer socket.Close()
	for {
		head := make([]byte, 22)
		if _, err := io.ReadFull(socket, head); err != nil {
			return
		}
		class, content := int(binary.BigEndian.Uint16(head[14:])), int(binary.BigEndian.Uint32(head[18:]))
		body := make([]byte, class+content)
		if _, err := io.ReadFull(socket, body); err != nil {
			return
		}
		answer := f.answer(node, body[class:])
		frame := append([]byte{1, 0, 0, 2, 1}, head[5:9]...)
		frame = append(frame, 1, 0, 0, 0, 0, 0, 0)
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(answer)))
		if _, err := socket.Write(append(frame, answer...)); err != nil {
			return
		}
	}
}

func (f *fakeGroup) answer(node int, request []byte) []byte {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	op := lab.Op(request[0])
	if op == lab.Info {
		return append([]byte{0}, []string{"LEADER", "FOLLOWER", "FOLLOWER"}[node]+" 1 1 1 -"...)
	}
	length := 3 + int(binary.BigEndian.Uint16(request[1:]))
	key, rest := string(request[3:length]), request[length:]
	if op == lab.Get {
		value, found := f.held[key]
		if old, had := f.old[key]; had && node == 1 && f.wrong == "stale" {
			value = old
		}
		if !found {
			return []byte{byte(lab.Missing)}
		}
		return append([]byte{0}, value...)
	}
	if node != 0 {
		return []byte{byte(lab.NotLeader)}
	}
	return append([]byte{0}, f.write(op, key, rest)...)
}

func (f *fakeGroup) write(op lab.Op, key string, rest []byte) string {
	value, found := f.held[key]
	answer, now := "\x01", string(rest)
	switch op {
	case lab.Append:
		now = value + now
	case lab.Add:
		number, _ := strconv.ParseInt(value, 10, 64)
		now = strconv.FormatInt(number+int64(binary.BigEndian.Uint64(rest)), 10)
		answer = now
	case lab.Cas:
		size, expect := binary.BigEndian.Uint32(rest), ""
		if size != 0xffffffff {
			expect, rest = string(rest[4:4+size]), rest[size:]
		}
		now = string(rest[4:])
		if found != (size != 0xffffffff) || value != expect {
			return "\x00"
		}
	}
	f.count++
	if f.wrong == "lost" && f.count%20 == 0 {
		return answer
	}
	if found {
		f.old[key] = value
	}
	f.held[key] = now
	return answer
}

// verdict lets clients work on a fake group, and says what lincheck says.
func verdict(t *testing.T, wrong string, workload Workload) string {
	t.Helper()
	lincheck := os.Getenv("LINCHECK")
	if lincheck == "" {
		t.Skip("LINCHECK does not name the judge")
	}
	group, monitor := serveFake(t, wrong)
	history := NewHistory()
	clients := StartClients(6, 200, group, monitor, history, workload)
	deadline := time.Now().Add(20 * time.Second)
	for history.Count(ok) < 600 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	clients.Stop()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := history.Write(path); err != nil {
		t.Fatal(err)
	}
	if history.Count(ok) < 600 {
		t.Fatalf("%d operations in 20 s", history.Count(ok))
	}
	if _, areLists := workload.(*lists); areLists {
		return strings.Join(judgeLists(history.Records()), "\n")
	}
	return Judge(lincheck, path, 30*time.Second)
}

func workloads() map[string]func() Workload {
	return map[string]func() Workload{"registers": registerWork, "one key": casWork, "counters": counterWork, "lists": listWork}
}

func TestWhatALinearizableGroupAnswersIsGood(t *testing.T) {
	for name, workload := range workloads() {
		t.Run(name, func(t *testing.T) {
			if said := verdict(t, "", workload()); said != "" {
				t.Fatal(said)
			}
		})
	}
}

func TestStaleReadsAndLostWritesAreFound(t *testing.T) {
	for _, wrong := range []string{"stale", "lost"} {
		for name, workload := range workloads() {
			t.Run(wrong+" "+name, func(t *testing.T) {
				if verdict(t, wrong, workload()) == "" {
					t.Fatal("not found")
				}
			})
		}
	}
}

func TestASetIsJudgedByWhatIsThereInTheEnd(t *testing.T) {
	value := "v"
	records := []Record{{Key: "kept", Value: &value, Status: ok}, {Key: "lost", Value: &value, Status: ok}, {Key: "refused", Value: &value, Status: failed},
		{Key: "open", Value: &value, Status: unknown}}
	if wrong := judgeSet(records[:1], map[string]string{"kept": "v"}); len(wrong) != 0 {
		t.Fatal(wrong)
	}
	if wrong := judgeSet(records, map[string]string{"kept": "v", "open": "v", "refused": "v", "from nowhere": "v"}); len(wrong) != 3 {
		t.Fatal(wrong)
	}
}

func TestAListIsJudgedByTheOrderOfItsItems(t *testing.T) {
	appended := func(item string, call, back int64, status Outcome) Record {
		return Record{Op: "append", Key: "l", Value: &item, Call: call, Return: back, Status: status}
	}
	read := func(items string, call, back int64) Record {
		return Record{Op: "get", Key: "l", Result: &items, Call: call, Return: back, Status: ok}
	}
	history := []Record{appended("a,", 1, 4, ok), appended("b,", 2, 3, ok), appended("c,", 3, 0, unknown), appended("d,", 3, 0, unknown), read("b,a,", 5, 6)}
	for name, one := range map[string]struct {
		more Record
		good bool
	}{
		"an open item comes later": {read("b,a,d,", 7, 8), true},
		"an item is lost":          {appended("e,", 3, 4, ok), false},
		"a read is no beginning":   {read("a,", 7, 8), false},
		"an old state is read":     {read("b,", 7, 8), false},
		"an item is there twice":   {read("b,a,b,", 7, 8), false},
	} {
		if wrong := judgeLists(append(append([]Record{}, history...), one.more)); (len(wrong) == 0) != one.good {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	early := append(append([]Record{}, history...), read("b,a,e,", 7, 8), appended("e,", 9, 10, ok))
	if wrong := judgeLists(early); len(wrong) == 0 {
		t.Error("an item was read before it was appended")
	}
}

func TestTwoLeadersOfATermAreAProblem(t *testing.T) {
	group, monitor := serveFake(t, "")
	monitor.judge(group.Nodes[0], lab.State{}, lab.State{Name: "LEADER", Term: 7})
	monitor.judge(group.Nodes[1], lab.State{}, lab.State{Name: "LEADER", Term: 7})
	monitor.judge(group.Nodes[2], lab.State{Term: 7, Applied: 5}, lab.State{Name: "FOLLOWER", Term: 7, Applied: 4})
	if problems := group.Problems(); len(problems) != 2 {
		t.Fatal(problems)
	}
}
