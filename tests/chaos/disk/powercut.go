package disk

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const sector = 512

// Taken says what a power cut found unsynced, and what it took.
type Taken struct {
	Writes, Kept, Dropped, Torn int // changes of bytes that no sync covers
	Names, NamesUndone          int // changes of names that no sync of their folder covers
}

func (t Taken) String() string {
	return fmt.Sprintf("%d unsynced writes (%d kept, %d dropped, %d torn), %d of %d unsynced names undone", t.Writes, t.Kept, t.Dropped, t.Torn, t.NamesUndone, t.Names)
}

// Cut makes of the data folder of a dead process what its disk could hold after a power cut, and forgets the journal: what no sync covers is kept,
// dropped or torn by sector, each write alone; of the changes of names in a folder that was not synced since, those from some point on are undone.
func Cut(root, journal string, random *rand.Rand) (Taken, error) {
	var taken Taken
	changes, err := readJournal(journal)
	if err != nil {
		return taken, err
	}
	fate := drawFate(random)
	files, err := filesByInode(root, journal)
	if err != nil {
		return taken, err
	}
	for inode, path := range files {
		if err := restoreBytes(path, changesOf(changes, inode), fate, &taken); err != nil {
			return taken, err
		}
	}
	dropNames(changes, fate, &taken)
	if err := undoNames(changes, journal); err != nil {
		return taken, err
	}
	return taken, Forget(journal)
}

// Forget empties the journal: from here on the data folder is taken for durable as it is.
func Forget(journal string) error {
	if err := os.RemoveAll(journal); err != nil {
		return err
	}
	return os.MkdirAll(journal, 0o755)
}

// fate draws what becomes of each change; one cut is kinder than another.
type fate struct {
	random     *rand.Rand
	keep, torn float64
}

func drawFate(random *rand.Rand) *fate {
	keep := []float64{0, 0, 0.2, 0.5, 0.8, 1}[random.IntN(6)]
	return &fate{random: random, keep: keep, torn: []float64{0, 0.3, 0.7}[random.IntN(3)]}
}

func filesByInode(folders ...string) (map[uint64]string, error) {
	files := map[uint64]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				files[info.Sys().(*syscall.Stat_t).Ino] = path
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	return files, nil
}

// changesOf gives the changes of bytes of a file from the first on that is not durable.
func changesOf(changes []*record, inode uint64) []*record {
	var of []*record
	for _, change := range changes {
		if change.changesBytes() && change.Inode == inode && (len(of) > 0 || !change.durable) {
			of = append(of, change)
		}
	}
	return of
}

// restoreBytes takes the file back to before the changes, and does again those that reached the disk.
func restoreBytes(path string, changes []*record, fate *fate, taken *Taken) error {
	if len(changes) == 0 {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := len(changes) - 1; i >= 0; i-- {
		if err := undoBytes(file, changes[i]); err != nil {
			return err
		}
	}
	for _, change := range changes {
		if err := redoBytes(file, change, fate, taken); err != nil {
			return err
		}
	}
	return nil
}

func undoBytes(file *os.File, change *record) error {
	at := change.Offset // of what was overwritten, or of the tail that was cut off
	if _, err := file.WriteAt(change.old, int64(at)); err != nil {
		return err
	}
	return file.Truncate(int64(change.OldSize))
}

func redoBytes(file *os.File, change *record, fate *fate, taken *Taken) error {
	if !change.durable {
		taken.Writes++
		if change.lost || fate.random.Float64() >= fate.keep {
			if change.lost || change.Kind == kindResize || fate.random.Float64() >= fate.torn {
				taken.Dropped++
				return nil
			}
			taken.Torn++
			return tear(file, change, fate.random)
		}
		taken.Kept++
	}
	if change.Kind == kindResize {
		return file.Truncate(int64(change.Offset))
	}
	_, err := file.WriteAt(change.new, int64(change.Offset))
	return err
}

// tear writes some of the sectors of a write: a beginning of it, or any.
func tear(file *os.File, change *record, random *rand.Rand) error {
	end := change.Offset + change.Length
	prefix := random.IntN(2) == 0
	last := change.Offset + random.Uint64N(change.Length+1)
	for at := change.Offset; at < end; {
		next := min((at/sector+1)*sector, end)
		if prefix && next <= last || !prefix && random.IntN(2) == 0 {
			if _, err := file.WriteAt(change.new[at-change.Offset:next-change.Offset], int64(at)); err != nil {
				return err
			}
		}
		at = next
	}
	return nil
}

// dropNames decides for each folder how many of its unsynced changes reached the disk; a file system keeps their order.
func dropNames(changes []*record, fate *fate, taken *Taken) {
	byFolder := map[uint64][]*record{}
	var folders []uint64
	for _, change := range changes {
		if change.changesNames() && !change.durable {
			if byFolder[change.Folder] == nil {
				folders = append(folders, change.Folder)
			}
			byFolder[change.Folder] = append(byFolder[change.Folder], change)
		}
	}
	for _, folder := range folders {
		kept := 0
		for kept < len(byFolder[folder]) && fate.random.Float64() < fate.keep {
			kept++
		}
		taken.Names += len(byFolder[folder])
		for _, change := range byFolder[folder][kept:] {
			change.dropped = true
			taken.NamesUndone++
		}
	}
}

func undoNames(changes []*record, journal string) error {
	for i := len(changes) - 1; i >= 0; i-- {
		if !changes[i].dropped {
			continue
		}
		if err := undoName(changes[i], changes[i+1:], journal); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func undoName(change *record, later []*record, journal string) error {
	path := whereNow(change.path, later)
	kept := filepath.Join(journal, fmt.Sprintf("kept-%d", change.Sequence))
	switch change.Kind {
	case kindCreate, kindMakeFolder:
		if path != change.path && movedItself(change.path, later) {
			return nil // it lives under the name that a later, durable rename gave it
		}
		return os.RemoveAll(path)
	case kindUnlink:
		if change.Flags&flagKept == 0 {
			return nil
		}
		return os.Link(kept, path)
	case kindRename:
		target := whereNow(change.second, later)
		if err := os.Rename(target, path); err != nil || change.Flags&flagKept == 0 {
			return err
		}
		return os.Link(kept, target)
	case kindRemoveFolder:
		return os.Mkdir(path, 0o755)
	}
	return nil
}

// whereNow follows the renames of folders above the path, and of itself, that stay.
func whereNow(path string, later []*record) string {
	for _, change := range later {
		if change.Kind != kindRename || change.dropped {
			continue
		}
		if path == change.path || strings.HasPrefix(path, change.path+"/") {
			path = change.second + path[len(change.path):]
		}
	}
	return path
}

func movedItself(path string, later []*record) bool {
	for _, change := range later {
		if change.Kind == kindRename && !change.dropped && change.path == path {
			return true
		}
	}
	return false
}
