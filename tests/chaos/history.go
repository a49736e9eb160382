package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Outcome of an operation, as lincheck names it.
type Outcome string

const (
	ok      Outcome = "ok"
	failed  Outcome = "fail"    // surely without effect
	unknown Outcome = "unknown" // may have an effect, now or later
)

// Record is one operation of a history (tools/lincheck/README.md).
type Record struct {
	Client int     `json:"client"`
	Op     string  `json:"op"`
	Key    string  `json:"key"`
	Value  *string `json:"value,omitempty"`
	Expect *string `json:"expect,omitempty"`
	Result *string `json:"result,omitempty"`
	Call   int64   `json:"call"`
	Return int64   `json:"return,omitempty"`
	Status Outcome `json:"status"`
}

// History collects the operations of all clients, by one clock.
type History struct {
	start   time.Time
	mutex   sync.Mutex
	records []Record
	count   map[Outcome]int
}

// NewHistory begins one.
func NewHistory() *History { return &History{start: time.Now(), count: map[Outcome]int{}} }

// Now is the time of the history's clock, monotonic.
func (h *History) Now() int64 { return int64(time.Since(h.start)) }

// Add takes a finished operation.
func (h *History) Add(record Record) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.records = append(h.records, record)
	h.count[record.Status]++
}

// Records gives all that is finished.
func (h *History) Records() []Record {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.records
}

// Count gives how many operations had an outcome.
func (h *History) Count(outcome Outcome) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.count[outcome]
}

// Write writes the history to a file.
func (h *History) Write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriter(file)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	for _, record := range h.Records() {
		if err := lines.Encode(record); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// Corrupt changes the answer of one read to what was never written: a check that does not see this sees nothing.
func (h *History) Corrupt() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for i := len(h.records) - 1; i >= 0; i-- {
		if record := &h.records[i]; record.Op == "get" && record.Status == ok {
			never := "never written"
			record.Result = &never
			return
		}
	}
}

// Judge lets lincheck say whether the history of a file can be explained; "" when it can.
func Judge(lincheck, path string, within time.Duration) string {
	said, err := exec.Command(lincheck, "-timeout", within.String(), path).CombinedOutput()
	if err == nil {
		return ""
	}
	return fmt.Sprintf("lincheck (%v): %s", err, said)
}
