package disk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// kind of a record of the journal, as in faults/journal.h.
type kind uint32

const (
	kindWrite kind = iota + 1
	kindResize
	kindSynced
	kindSyncFailed
	kindCreate
	kindMakeFolder
	kindUnlink
	kindRename
	kindRemoveFolder
)

const (
	journalMagic = 0x314A5353
	flagZeros    = 1
	flagKept     = 2
)

type header struct {
	Magic                                            uint32
	Kind                                             kind
	Sequence, Inode, Folder, Offset, Length, OldSize uint64
	OldBytes, Path, SecondPath, Flags                uint32
}

// record is one change that a process made, or a sync.
type record struct {
	header
	path, second string
	old, new     []byte
	durable      bool // a sync that succeeded covers it
	lost         bool // a sync that failed covers it
	dropped      bool // of a change of names: the power cut took it
}

func (r *record) changesBytes() bool { return r.Kind == kindWrite || r.Kind == kindResize }
func (r *record) changesNames() bool { return r.Kind >= kindCreate }

// owner is the inode whose sync makes the record durable.
func (r *record) owner() uint64 {
	if r.changesNames() {
		return r.Folder
	}
	return r.Inode
}

// readJournal gives the changes in their order, each marked by the syncs that cover it. A record that a kill cut off is left out: what it tells of
// was not done.
func readJournal(folder string) ([]*record, error) {
	data, err := os.ReadFile(filepath.Join(folder, "journal"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var changes []*record
	for len(data) > 0 {
		one, rest, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("the journal in %s: %w", folder, err)
		}
		if one == nil {
			break
		}
		data = rest
		if one.changesBytes() || one.changesNames() {
			changes = append(changes, one)
			continue
		}
		mark(changes, one)
	}
	return changes, nil
}

func mark(changes []*record, sync *record) {
	for _, change := range changes {
		if change.owner() != sync.Inode || change.Sequence > sync.Offset || change.lost {
			continue
		}
		if sync.Kind == kindSynced {
			change.durable = true
		} else if !change.durable {
			change.lost = true
		}
	}
}

// parse gives the first record and what follows it; nil when the data ends inside of it.
func parse(data []byte) (*record, []byte, error) {
	size := binary.Size(header{})
	if len(data) < size {
		return nil, nil, nil
	}
	var one record
	if err := binary.Read(bytes.NewReader(data[:size]), binary.LittleEndian, &one.header); err != nil {
		return nil, nil, err
	}
	if one.Magic != journalMagic || one.Kind < kindWrite || one.Kind > kindRemoveFolder {
		return nil, nil, fmt.Errorf("no record begins %d bytes before its end", len(data))
	}
	data = data[size:]
	fresh := uint64(0)
	if one.Kind == kindWrite && one.Flags&flagZeros == 0 {
		fresh = one.Length
	}
	if uint64(len(data)) < uint64(one.Path)+uint64(one.SecondPath)+uint64(one.OldBytes)+fresh {
		return nil, nil, nil
	}
	take := func(n uint64) []byte {
		part := data[:n]
		data = data[n:]
		return part
	}
	one.path, one.second = string(take(uint64(one.Path))), string(take(uint64(one.SecondPath)))
	one.old, one.new = take(uint64(one.OldBytes)), take(fresh)
	if one.Kind == kindWrite && one.Flags&flagZeros != 0 {
		one.new = make([]byte, one.Length)
	}
	return &one, data, nil
}
