package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sofa/chaos/disk"
	"sofa/chaos/lab"
	"sofa/chaos/links"
)

const groupName = "chaos"

// startsWithin is long for a node, since the machine may be busy with other work.
const startsWithin = time.Minute

// Settings are what every node of a group is started with.
type Settings struct {
	Kinds      string // a letter a node: c is ours, j is Java's
	ElectionMs int
	Folder     string // of data, output and histories
	Faults     string // the library of faults/
	Program    string // sofa
	JavaPath   string // class path of the Java node; empty when there is none of that kind
	Journals   bool   // remember what a power cut may take
	LeaseReads bool   // of our nodes: by the leader's lease, without asking the others
	Seed       uint64
}

// Group is the nodes of one group, each a process, and the links between them.
type Group struct {
	Settings
	Nodes    []*Node
	Links    *links.Proxy
	mutex    sync.Mutex
	problems []string
}

// NewGroup makes the nodes' folders and the links; nothing runs yet.
func NewGroup(settings Settings) (*Group, error) {
	group := &Group{Settings: settings}
	ports, err := freePorts(len(settings.Kinds))
	if err != nil {
		return nil, err
	}
	var peers []string
	for i, port := range ports {
		peers = append(peers, fmt.Sprintf("127.0.%d.1:%d", i+1, port))
	}
	if group.Links, err = links.New(peers, settings.Seed); err != nil {
		return nil, err
	}
	for i, kind := range settings.Kinds {
		node, err := newNode(group, i, byte(kind), peers[i])
		if err != nil {
			return nil, err
		}
		node.first = strings.Join(peers, ",")
		group.Nodes = append(group.Nodes, node)
	}
	return group, nil
}

// freePorts finds ports that are free on every address, since JRaft listens at all of them. They are none of those that the kernel hands out: while a
// node is dead, a connection or a listener of another program would be given its port.
func freePorts(count int) ([]int, error) {
	const first = 10_000
	behind := firstHandedOut()
	var ports []int
	for tries := 0; len(ports) < count; tries++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", first+rand.IntN(behind-first)))
		if err == nil {
			defer listener.Close()
			ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
		} else if tries == 1000 {
			return nil, fmt.Errorf("no port between %d and %d is free: %w", first, behind, err)
		}
	}
	return ports, nil
}

// firstHandedOut is the first port that the kernel gives to whoever asks for any.
func firstHandedOut() int {
	port := 0
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Sscan(string(text), &port)
	}
	if err != nil || port < 11_000 {
		return 32_768
	}
	return port
}

// Start starts every node, and waits until each serves.
func (g *Group) Start() error {
	for _, node := range g.Nodes {
		if err := node.Start(); err != nil {
			return err
		}
	}
	for _, node := range g.Nodes {
		if err := node.WaitReady(startsWithin); err != nil {
			return err
		}
	}
	return nil
}

// Close ends every process and link.
func (g *Group) Close() {
	for _, node := range g.Nodes {
		node.Kill()
		node.Control.Close()
	}
	g.Links.Close()
}

// Problem notes something that must not be, whatever the history says.
func (g *Group) Problem(format string, values ...any) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.problems = append(g.problems, fmt.Sprintf(format, values...))
}

// Problems gives what was noted.
func (g *Group) Problems() []string {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return append([]string(nil), g.problems...)
}

// Node is one member: a process, its data folder, and its faults.
type Node struct {
	group    *Group
	Index    int
	Kind     byte
	Peer     string
	folder   string
	Control  *disk.Control
	mutex    sync.Mutex
	process  *exec.Cmd
	ready    chan struct{} // closed when the process says that it serves
	exited   chan struct{} // closed when it has ended
	expected bool          // it may end by itself
	said     []string      // the last lines of its output
	first    string        // the configuration that it begins with when its folder is empty
}

func newNode(group *Group, index int, kind byte, peer string) (*Node, error) {
	node := &Node{group: group, Index: index, Kind: kind, Peer: peer, folder: filepath.Join(group.Folder, fmt.Sprintf("node%d", index+1))}
	if err := os.MkdirAll(node.journal(), 0o755); err != nil {
		return nil, err
	}
	control, err := disk.NewControl(filepath.Join(node.folder, "control"))
	node.Control = control
	return node, err
}

func (n *Node) String() string  { return fmt.Sprintf("n%d", n.Index+1) }
func (n *Node) data() string    { return filepath.Join(n.folder, "data") }
func (n *Node) journal() string { return filepath.Join(n.folder, "journal") }

func (n *Node) command() *exec.Cmd {
	arguments := []string{"--group", groupName, "--id", n.Peer, "--peers", n.first, "--data", n.data(), "--election-ms", fmt.Sprint(n.group.ElectionMs)}
	if n.Kind == 'j' {
		java := []string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", n.group.JavaPath, "sofa.lab.LabNode"}
		return exec.Command("java", append(java, arguments...)...)
	}
	if n.group.LeaseReads {
		arguments = append(arguments, "--lease-reads")
	}
	return exec.Command(n.group.Program, append([]string{"raft", "lab"}, arguments...)...)
}

func (n *Node) environment() []string {
	set := append(os.Environ(), "LD_PRELOAD="+n.group.Faults, "SOFA_FAULTS_CONTROL="+n.Control.Path, "SOFA_FAULTS_ROOT="+n.data(),
		"SOFA_FAULTS_LINKS="+n.group.Links.Routes(n.Index))
	if n.group.Journals {
		set = append(set, "SOFA_FAULTS_JOURNAL="+n.journal())
	}
	return set
}

// Start starts the process; WaitReady waits for it.
func (n *Node) Start() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	command := n.command()
	command.Env = n.environment()
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		return err
	}
	n.process, n.ready, n.exited, n.expected, n.said = command, make(chan struct{}), make(chan struct{}), n.mayEndAtStart(), nil
	go n.watch(command, bufio.NewScanner(output), n.ready, n.exited)
	return nil
}

// mayEndAtStart says whether the disk refuses what a start must write. On a plain disk that is full a node of ours starts: it has its files.
func (n *Node) mayEndAtStart() bool {
	return n.Control.RefusesCalls() || n.Control.IsFull() && (n.Kind == 'j' || !n.hasLog())
}

func (n *Node) hasLog() bool {
	segments, _ := filepath.Glob(filepath.Join(n.data(), "log", "segment-*.log"))
	return len(segments) > 0
}

// watch keeps the output, sees when the process serves, and notes an end that nobody wanted.
func (n *Node) watch(command *exec.Cmd, lines *bufio.Scanner, ready, exited chan struct{}) {
	output, err := os.OpenFile(filepath.Join(n.folder, "output"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		defer output.Close()
		fmt.Fprintf(output, "--- %s pid %d\n", time.Now().Format("15:04:05.000"), command.Process.Pid)
	}
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	said := false
	for lines.Scan() {
		if output != nil {
			fmt.Fprintln(output, lines.Text())
		}
		n.hear(lines.Text())
		if !said && strings.HasPrefix(lines.Text(), "READY ") {
			said = true
			close(ready)
		}
	}
	ended := command.Wait()
	n.mutex.Lock()
	expected := n.expected
	n.mutex.Unlock()
	if !expected {
		n.group.Problem("%s ended by itself (%v): %s", n, ended, n.lastSaid())
	}
	close(exited)
}

// hear keeps the last lines of the output, for whoever cannot see the file.
func (n *Node) hear(line string) {
	const most = 15
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.said = append(n.said, line)
	n.said = n.said[max(0, len(n.said)-most):]
}

func (n *Node) lastSaid() string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return fmt.Sprintf("see %s, which ends with\n%s", filepath.Join(n.folder, "output"), strings.Join(n.said, "\n"))
}

// errEnded is that of a process that ended before it served.
var errEnded = errors.New("ended before it served")

// WaitReady waits until the process serves.
func (n *Node) WaitReady(within time.Duration) error {
	n.mutex.Lock()
	ready, exited := n.ready, n.exited
	n.mutex.Unlock()
	select {
	case <-ready:
		return nil
	case <-exited:
		return fmt.Errorf("%s %w", n, errEnded)
	case <-time.After(within):
		return fmt.Errorf("%s does not serve after %v: %s", n, within, n.lastSaid())
	}
}

// Alive says whether the process runs (or is stopped by a signal).
func (n *Node) Alive() bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.exited == nil {
		return false
	}
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

// MayEnd says whether the process may end by itself from now on.
func (n *Node) MayEnd(expected bool) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.expected = expected
}

// Signal sends a signal if the process runs.
func (n *Node) Signal(signal syscall.Signal) {
	if n.Alive() {
		_ = n.process.Process.Signal(signal)
	}
}

// Kill ends the process by SIGKILL, and waits for its end.
func (n *Node) Kill() { _ = n.end(syscall.SIGKILL, 20*time.Second) }

// Stop ends the process by SIGTERM; an error when that takes too long, and then by SIGKILL.
func (n *Node) Stop(within time.Duration) error { return n.end(syscall.SIGTERM, within) }

func (n *Node) end(signal syscall.Signal, within time.Duration) error {
	if !n.Alive() {
		return nil
	}
	n.MayEnd(true)
	n.Signal(signal)
	n.Signal(syscall.SIGCONT) // one that is stopped does not hear of the other
	if n.Exits(within) {
		return nil
	}
	n.Signal(syscall.SIGKILL)
	n.Exits(20 * time.Second)
	return fmt.Errorf("%s does not end within %v of signal %v", n, within, signal)
}

// Exits waits for the end of the process.
func (n *Node) Exits(within time.Duration) bool {
	select {
	case <-n.exited:
		return true
	case <-time.After(within):
		return false
	}
}

// Restart starts a process that has ended, and waits until it serves. Where its disk refuses what a start must write it may end again: whoever mends
// the disk starts it then.
func (n *Node) Restart() {
	if n.Alive() {
		return
	}
	err := n.Start()
	if err == nil {
		err = n.WaitReady(startsWithin)
	}
	if err != nil && !(errors.Is(err, errEnded) && n.mayEndAtStart()) {
		n.group.Problem("%v", err)
	}
}

// Wipe removes the data of a process that has ended and is no member any more; started again it waits until it is added.
func (n *Node) Wipe() error {
	n.first = "-"
	if err := os.RemoveAll(n.data()); err != nil {
		return err
	}
	return disk.Forget(n.journal())
}

// Info asks the process for its state, past the links.
func (n *Node) Info(within time.Duration) (lab.State, error) {
	connection, err := lab.Dial(n.Peer, within)
	if err != nil {
		return lab.State{}, err
	}
	defer connection.Close()
	return connection.Info(within)
}

// InError says whether the node has given up for good. JRaft's lab node then has no answer to INFO but an exception.
func (n *Node) InError(within time.Duration) bool {
	state, err := n.Info(within)
	if n.Kind == 'j' && err != nil && n.Alive() {
		return strings.Contains(err.Error(), "Bolt status")
	}
	return err == nil && strings.Contains(state.Name, "ERROR")
}
