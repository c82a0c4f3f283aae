package image

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

// settled is how old a file's times must be for its stamp to be believed: one
// that is written twice within the clock's resolution looks the same after both.
const settled = 2 * time.Second

// stamp is what the file system says of a file, which changes when its content
// does.
type stamp struct {
	size, modified, changed int64 // the times in Unix nanoseconds
	inode                   uint64
}

// known is what was in a file when it had its stamp.
type known struct {
	stamp
	sum   [32]byte
	isKey bool
}

// stamps remembers what files hold, so that a file which did not change since the
// last build is not read again: as git's index does for a work tree. The file
// that keeps them may be deleted at any time, and is not believed when it is
// damaged.
type stamps struct {
	path string
	now  time.Time

	mu      sync.Mutex
	before  map[string]known
	after   map[string]known
	changed bool
}

// cacheDir is where this package keeps what can be made again.
func cacheDir(root string) string { return state.Dir(root, "cache", "image") }

// openStamps reads the stamps of the files that belong to an image.
func openStamps(s Spec) *stamps {
	name := sha256.Sum256([]byte(s.Name + "\x00" + s.Kind))
	r := &stamps{path: filepath.Join(cacheDir(s.Dir), "stamps-"+hex.EncodeToString(name[:6])), now: time.Now(), before: map[string]known{}, after: map[string]known{}}
	text, err := readChecked(r.path)
	if err != nil {
		return r
	}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		name, k, ok := parseStamp(scanner.Text())
		if !ok {
			r.before = map[string]known{}
			return r
		}
		r.before[name] = k
	}
	return r
}

// holds gives what a file holds, if it is known to have the same stamp as then.
func (r *stamps) holds(name string, info fs.FileInfo) (known, bool) {
	now := stampOf(info)
	k, ok := r.before[name]
	if !ok || k.stamp != now {
		return known{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after[name] = k
	return k, true
}

// note remembers what was read of a file whose stamp was info's before and after.
func (r *stamps) note(name string, info fs.FileInfo, sum [32]byte, isKey bool) {
	s := stampOf(info)
	if young := r.now.Add(-settled).UnixNano(); s.modified > young || s.changed > young {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after[name] = known{s, sum, isKey}
	r.changed = true
}

// save writes the stamps of the files that this build has seen.
func (r *stamps) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.changed && len(r.after) == len(r.before) {
		return nil
	}
	var b bytes.Buffer
	for name, k := range r.after {
		if strings.ContainsAny(name, "\n\r") {
			continue
		}
		fmt.Fprintf(&b, "%x %t %d %d %d %d %s\n", k.sum, k.isKey, k.size, k.modified, k.changed, k.inode, name)
	}
	return writeChecked(r.path, b.Bytes())
}

func parseStamp(line string) (string, known, bool) {
	fields := strings.SplitN(line, " ", 7)
	if len(fields) != 7 {
		return "", known{}, false
	}
	var k known
	if n, err := hex.Decode(k.sum[:], []byte(fields[0])); err != nil || n != len(k.sum) {
		return "", known{}, false
	}
	k.isKey = fields[1] == "true"
	numbers := [3]int64{}
	for i := range numbers {
		n, err := strconv.ParseInt(fields[2+i], 10, 64)
		if err != nil {
			return "", known{}, false
		}
		numbers[i] = n
	}
	k.size, k.modified, k.changed = numbers[0], numbers[1], numbers[2]
	inode, err := strconv.ParseUint(fields[5], 10, 64)
	k.inode = inode
	return fields[6], k, err == nil
}

func stampOf(info fs.FileInfo) stamp {
	changed, inode := changeOf(info)
	return stamp{size: info.Size(), modified: info.ModTime().UnixNano(), changed: changed, inode: inode}
}

// stateSubject is what the codes of this package's files are of.
const stateSubject = "image state"

// writeChecked writes a file whole or not at all, with a code by which damage is seen,
// and what slipway did not write on this machine: the tree may have brought it.
func writeChecked(path string, text []byte) error {
	code, err := machine.Code(stateSubject, text)
	if err != nil {
		return err
	}
	return writeWhole(path, append([]byte(code+"\n"), text...))
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// maxKept is how much of what was kept is read: more than slipway ever keeps.
const maxKept = 1 << 30

// readChecked gives what writeChecked wrote.
func readChecked(path string) ([]byte, error) {
	all, err := source.ReadFile(nil, path, maxKept)
	if err != nil {
		return nil, err
	}
	code, text, _ := bytes.Cut(all, []byte("\n"))
	ok, err := machine.Proves(string(code), stateSubject, text)
	if err == nil && !ok {
		err = fmt.Errorf("%s is damaged, or not of this machine", path)
	}
	return text, err
}
