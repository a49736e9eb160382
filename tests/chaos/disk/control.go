// Package disk is the driver's side of the layer of faults (faults/): the control block of a process under test, and what a power cut leaves of its
// data folder.
package disk

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// block has the members of faults/control.h, in their order.
type block struct {
	syncErrno, writeErrno     uint64
	syncDelayUs, writeDelayUs uint64
	diskFull                  uint64
	clockOffsetNs             int64
	callsUntilKill            int64
	syncsLie, calls, failed   uint64
}

// Control tells one process under test which faults it has. Changes take effect at its next call.
type Control struct {
	block  *block
	memory []byte
	Path   string
}

// NewControl makes the file at path with no fault in it.
func NewControl(path string) (*Control, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(int64(unsafe.Sizeof(block{}))); err != nil {
		return nil, err
	}
	memory, err := syscall.Mmap(int(file.Fd()), 0, int(unsafe.Sizeof(block{})), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be mapped: %w", path, err)
	}
	return &Control{block: (*block)(unsafe.Pointer(&memory[0])), memory: memory, Path: path}, nil
}

// FailSyncs lets every sync of the data folder fail; 0 ends it.
func (c *Control) FailSyncs(errno syscall.Errno) {
	atomic.StoreUint64(&c.block.syncErrno, uint64(errno))
}

// FailWrites lets every write to the data folder fail; 0 ends it.
func (c *Control) FailWrites(errno syscall.Errno) {
	atomic.StoreUint64(&c.block.writeErrno, uint64(errno))
}

// Slow makes each sync and each write take this much longer.
func (c *Control) Slow(sync, write time.Duration) {
	atomic.StoreUint64(&c.block.syncDelayUs, uint64(sync.Microseconds()))
	atomic.StoreUint64(&c.block.writeDelayUs, uint64(write.Microseconds()))
}

// FillDisk lets whatever would make a file longer fail with ENOSPC.
func (c *Control) FillDisk(full bool) {
	value := uint64(0)
	if full {
		value = 1
	}
	atomic.StoreUint64(&c.block.diskFull, value)
}

// IsFull says whether nothing can be made longer.
func (c *Control) IsFull() bool { return atomic.LoadUint64(&c.block.diskFull) != 0 }

// RefusesCalls says whether every sync or every write fails.
func (c *Control) RefusesCalls() bool {
	return atomic.LoadUint64(&c.block.syncErrno) != 0 || atomic.LoadUint64(&c.block.writeErrno) != 0
}

// ShiftClock adds to the wall clock of the process.
func (c *Control) ShiftClock(by time.Duration) { atomic.StoreInt64(&c.block.clockOffsetNs, int64(by)) }

// KillAfter ends the process by SIGKILL at the n-th step of a write, sync or change of names from now; 0: never.
func (c *Control) KillAfter(steps int64) { atomic.StoreInt64(&c.block.callsUntilKill, steps) }

// LieAboutSyncs lets every sync succeed and do nothing: a test that does not find this cannot find anything.
func (c *Control) LieAboutSyncs() { atomic.StoreUint64(&c.block.syncsLie, 1) }

// Failed counts the calls that failed because this block said so.
func (c *Control) Failed() uint64 { return atomic.LoadUint64(&c.block.failed) }

// ResetFailed counts from 0 again.
func (c *Control) ResetFailed() { atomic.StoreUint64(&c.block.failed, 0) }

// Calls counts the steps that the process took.
func (c *Control) Calls() uint64 { return atomic.LoadUint64(&c.block.calls) }

// Clear ends every fault.
func (c *Control) Clear() {
	c.FailSyncs(0)
	c.FailWrites(0)
	c.Slow(0, 0)
	c.FillDisk(false)
	c.ShiftClock(0)
	c.KillAfter(0)
}

// Close gives the memory back; the file stays.
func (c *Control) Close() { _ = syscall.Munmap(c.memory) }
