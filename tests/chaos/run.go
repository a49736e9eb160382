package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sofa/chaos/lab"
)

// Test is a workload under nemeses.
type Test struct {
	name     string
	about    string
	workload func() Workload
	nemeses  []Nemesis
	off, on  time.Duration // between faults, and of a fault
	overlap  bool          // two nemeses at the same time
	special  func(*Run)    // in place of the schedule
}

// Options are what all tests of a run have in common.
type Options struct {
	Settings
	Lincheck string
	Clients  int
	Rate     float64 // operations a second of one client
	Duration time.Duration
	Cuts     int  // of the power-cut test
	Corrupt  bool // change one answer of the history: the verdict must be a failure
	Lie      bool // syncs do nothing: a power cut must be found out
}

// Run is one test while it runs.
type Run struct {
	Options
	test     Test
	group    *Group
	monitor  *Monitor
	history  *History
	chaos    *Chaos
	workload Workload
	recovery time.Duration
	serves   bool // after the last fault
}

// Result is a line of the table.
type Result struct {
	test                string
	ok, failed, unknown int
	changes, faults     int
	recovery            time.Duration
	problems            []string
	folder              string
}

// RunTest runs one test in a folder of its own.
func RunTest(test Test, options Options) Result {
	options.Folder = filepath.Join(options.Folder, test.name)
	run := &Run{Options: options, test: test, history: NewHistory(), workload: test.workload()}
	err := run.begin()
	if err == nil {
		run.work()
		err = errors.Join(run.readAll(), run.judge())
	}
	return run.close(err)
}

func (r *Run) begin() error {
	if err := os.MkdirAll(r.Folder, 0o755); err != nil {
		return err
	}
	group, err := NewGroup(r.Settings)
	if err != nil {
		return err
	}
	r.group = group
	if r.Lie {
		for _, node := range group.Nodes {
			node.Control.LieAboutSyncs()
		}
	}
	if err := group.Start(); err != nil {
		return err
	}
	r.monitor = NewMonitor(group)
	if r.chaos, err = NewChaos(group, r.monitor); err != nil {
		return err
	}
	return r.chaos.until(30*time.Second, func() error {
		if r.monitor.Leader() == nil {
			return errors.New("nobody leads 30 s after the start")
		}
		return nil
	})
}

// work lets the clients work while faults come and go; then ends all faults, with the clients still at work.
func (r *Run) work() {
	clients := StartClients(r.Clients, r.Rate, r.group, r.monitor, r.history, r.workload)
	defer clients.Stop()
	if r.test.special != nil {
		r.test.special(r)
	} else {
		r.schedule(time.Now().Add(r.Duration))
	}
	r.chaos.settle()
	r.recovery, r.serves = r.progress(20)
}

func (r *Run) schedule(end time.Time) {
	for time.Until(end) > 0 {
		r.sleep(r.test.off, end)
		if time.Until(end) <= 0 {
			return
		}
		first := r.draw()
		first.begin(r.chaos)
		if r.test.overlap {
			r.sleep(r.test.on/2, end)
			second := r.drawBeside(first)
			second.begin(r.chaos)
			r.sleep(r.test.on/2, end)
			second.end(r.chaos)
		}
		r.sleep(r.test.on, end)
		first.end(r.chaos)
	}
}

func (r *Run) draw() Nemesis { return r.test.nemeses[r.chaos.random.IntN(len(r.test.nemeses))] }

// drawBeside draws one that can be at work together with another.
func (r *Run) drawBeside(other Nemesis) Nemesis {
	for {
		if drawn := r.draw(); !drawn.failsCalls() || !other.failsCalls() {
			return drawn
		}
	}
}

// sleep takes half to all of the time; a fault does not begin at the same beat each time.
func (r *Run) sleep(long time.Duration, end time.Time) {
	drawn := long/2 + time.Duration(r.chaos.random.Int64N(int64(long)/2+1))
	time.Sleep(min(drawn, max(0, time.Until(end))))
}

// servesWithin is long for a group, since the machine may be busy with other work; the table shows how long it took.
const servesWithin = 40 * time.Second

// progress waits until so many operations more have succeeded, and gives the time that this took; that it never happens is a problem. It waits
// a tenth of the time when there is one already.
func (r *Run) progress(more int) (time.Duration, bool) {
	began := time.Now()
	wanted := r.history.Count(ok) + more
	before := len(r.group.Problems())
	for r.history.Count(ok) < wanted {
		if time.Since(began) > servesWithin {
			r.group.Problem("the group does not serve %v after the last fault ended", servesWithin)
			return servesWithin, false
		}
		if before > 0 && time.Since(began) > servesWithin/10 {
			return servesWithin / 10, false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began), true
}

// readAll reads every key once more, and compares what the nodes hold; there is nothing to ask of a group that does not serve.
func (r *Run) readAll() error {
	if !r.serves {
		return nil
	}
	reader := NewClient(r.Clients, r.group, r.monitor, r.history)
	defer reader.Close()
	for _, key := range r.workload.Keys() {
		err := r.chaos.until(20*time.Second, func() error {
			if outcome, _ := reader.Do(Operation{op: "get", key: key}, r.group.Nodes[reader.random.IntN(len(r.group.Nodes))]); outcome != ok {
				return fmt.Errorf("the key %s cannot be read in the end", key)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return r.compareDumps()
}

// compareDumps asks each node for all it holds, linearizably: it must come to be the same everywhere. A write whose outcome is unknown may still
// take effect between two answers, so a difference counts when it stays.
func (r *Run) compareDumps() error {
	var first map[string]string
	err := r.chaos.until(10*time.Second, func() (err error) {
		if first, err = r.dump(r.group.Nodes[0]); err != nil {
			return err
		}
		for _, node := range r.group.Nodes[1:] {
			other, err := r.dump(node)
			if err != nil {
				return err
			}
			if differing := difference(first, other); differing != "" {
				return fmt.Errorf("%s holds something else than %s: %s", node, r.group.Nodes[0], differing)
			}
		}
		return nil
	})
	if _, isSet := r.workload.(*set); err == nil && isSet {
		for _, wrong := range judgeSet(r.history.Records(), first) {
			r.group.Problem("%s", wrong)
		}
	}
	return err
}

func (r *Run) dump(node *Node) (held map[string]string, err error) {
	err = r.chaos.until(20*time.Second, func() error {
		return r.chaos.ask(node, func(connection *lab.Connection) error {
			status, answer, err := connection.Do(lab.Dump, "", nil, 10*time.Second)
			if err == nil && status != lab.OK {
				err = fmt.Errorf("DUMP at %s is answered with %d '%s'", node, status, answer)
			}
			if err == nil {
				held, err = lab.ParseDump(answer)
			}
			return err
		})
	})
	return held, err
}

// difference names a key that is not the same in both; empty when there is none.
func difference(one, other map[string]string) string {
	for key, value := range one {
		if there, found := other[key]; !found || there != value {
			return fmt.Sprintf("%s is '%s' and '%s'", key, there, value)
		}
	}
	if len(other) > len(one) {
		return fmt.Sprintf("%d keys and %d", len(other), len(one))
	}
	return ""
}

func (r *Run) judge() error {
	if r.Corrupt {
		r.history.Corrupt()
	}
	path := filepath.Join(r.Folder, "history.jsonl")
	if err := r.history.Write(path); err != nil {
		return err
	}
	if _, areLists := r.workload.(*lists); areLists {
		for _, wrong := range judgeLists(r.history.Records()) {
			r.group.Problem("%s", wrong)
		}
		return nil
	}
	if verdict := Judge(r.Lincheck, path, 2*time.Minute); verdict != "" {
		return errors.New(verdict)
	}
	return nil
}

func (r *Run) close(err error) Result {
	if r.monitor != nil {
		r.monitor.Close()
	}
	result := Result{test: r.test.name, ok: r.history.Count(ok), failed: r.history.Count(failed), unknown: r.history.Count(unknown), recovery: r.recovery, folder: r.Folder}
	if r.group != nil {
		r.group.Close()
		result.problems = r.group.Problems()
	}
	if err != nil {
		result.problems = append(result.problems, err.Error())
	}
	if r.chaos != nil {
		r.chaos.Say("problems: %s", strings.Join(result.problems, "\n"))
		result.faults, result.changes = r.chaos.faults, r.monitor.Changes()
		r.chaos.events.Close()
	}
	return result
}
