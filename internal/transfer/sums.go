package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/storage"
)

// ChangedError reports that a file changed or vanished while it was read.
type ChangedError struct{ Name string }

// Error implements error.
func (e *ChangedError) Error() string {
	return e.Name + " changed or vanished while it was read, and was not copied: run the command again"
}

// minAge is the minimum age of a file's times for its checksum to be kept. A file that is written twice
// within the resolution of the clock has the same times after both.
const minAge = 2 * time.Second

// sum is the checksum that a file had when it had its size and times.
type sum struct {
	Size, Modified, Changed int64
	Inode                   uint64
	CRC32C                  uint32
}

// sums keeps the checksums of the files of one directory, so that a file that has not changed is not read
// again. What it keeps may be deleted at any time.
type sums struct {
	path string
	now  func() time.Time

	mu            sync.Mutex
	before, after map[string]sum
	changed       bool
}

// openSums reads the checksums of a directory.
func openSums(cache, dir string, now func() time.Time) *sums {
	name := sha256.Sum256([]byte(dir))
	s := &sums{path: filepath.Join(cache, "sums-"+hex.EncodeToString(name[:8])+".json"), now: now, before: map[string]sum{}, after: map[string]sum{}}
	if text, err := kept(s.path); err != nil || json.Unmarshal(text, &s.before) != nil {
		s.before = map[string]sum{}
	}
	return s
}

// save writes the checksums of the files that were looked at. Without them, they are read again.
func (s *sums) save() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.changed {
		return
	}
	if text, err := json.Marshal(s.after); err == nil {
		_ = keep(s.path, text)
	}
}

// stampOf returns what tells whether a file was written.
func stampOf(info fs.FileInfo) sum {
	if own, ok := info.(*shellInfo); ok {
		return own.sum
	}
	changed, inode := changeOf(info)
	return sum{Size: info.Size(), Modified: info.ModTime().UnixNano(), Changed: changed, Inode: inode}
}

// of returns the checksum of a file. The error is a *ChangedError if it changed or vanished since info.
func (s *sums) of(ctx context.Context, root *os.Root, name string, info fs.FileInfo) (uint32, error) {
	now := stampOf(info)
	s.mu.Lock()
	known, ok := s.before[name]
	s.mu.Unlock()
	now.CRC32C = known.CRC32C
	if ok && known == now {
		s.add(name, now, false)
		return known.CRC32C, nil
	}
	if root == nil { // hashShell could not read it
		return 0, &ChangedError{name}
	}
	file, err := openListed(root, name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	crc := storage.NewCRC32C()
	if _, err := io.CopyBuffer(crc, contextio.NewReader(ctx, file), make([]byte, 128<<10)); err != nil {
		return 0, err
	}
	after, err := file.Stat()
	if err != nil {
		return 0, err
	}
	now.CRC32C = 0
	if stampOf(after) != now {
		return 0, &ChangedError{name}
	}
	now.CRC32C = crc.Sum32()
	s.record(name, now)
	return now.CRC32C, nil
}

// record keeps a checksum, unless the file is too young.
func (s *sums) record(name string, of sum) {
	if young := s.young(); of.Modified > young || of.Changed > young {
		return
	}
	s.add(name, of, true)
}

// placed keeps the checksum of a file that was complete when it got its name just now. So its change is young, and
// yet who writes into it is seen: it was given an old time, and gets a new one then.
func (s *sums) placed(name string, of sum) {
	if of.Modified <= s.young() {
		s.add(name, of, true)
	}
}

// young returns the time since which a file is too young, in Unix nanoseconds.
func (s *sums) young() int64 { return s.now().Add(-minAge).UnixNano() }

func (s *sums) add(name string, of sum, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after[name] = of
	s.changed = s.changed || changed
}
