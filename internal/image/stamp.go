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

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

// minStampAge is the minimum age of a file's times for its stamp to be recorded. A file that is
// written twice within the resolution of the clock has the same stamp after both.
const minStampAge = 2 * time.Second

// stamp is the metadata of a file that changes when its content does.
type stamp struct {
	size, modified, changed int64 // the times in Unix nanoseconds
	inode                   uint64
}

// known is the content that a file had when it had its stamp.
type known struct {
	stamp
	sum   [32]byte
	isKey bool
}

// stamps records the content of files, so that a file that has not changed since the last
// build is not read again, like git's index does for a working tree. The file that holds
// the stamps may be deleted at any time, and is ignored if it is damaged.
type stamps struct {
	path string
	now  time.Time

	mu      sync.Mutex
	before  map[string]known
	after   map[string]known
	changed bool
}

// cacheDir returns the directory for data of this package that can be made again.
func cacheDir(root string) string { return state.Dir(root, "cache", "image") }

// openStamps reads the stamps of the files that belong to an image.
func openStamps(s Spec) *stamps {
	name := sha256.Sum256([]byte(s.Name + "\x00" + s.Kind))
	r := &stamps{path: filepath.Join(cacheDir(s.Dir), "stamps-"+hex.EncodeToString(name[:6])), now: time.Now(), before: map[string]known{}, after: map[string]known{}}
	text, err := readSigned(r.path)
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

// lookup returns the content of a file, and false if its stamp is not the recorded one.
func (r *stamps) lookup(name string, info fs.FileInfo) (known, bool) {
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

// record records what was read of a file whose metadata was info before it was read. It
// ignores a file that changed too recently.
func (r *stamps) record(name string, info fs.FileInfo, sum [32]byte, isKey bool) {
	s := stampOf(info)
	if young := r.now.Add(-minStampAge).UnixNano(); s.modified > young || s.changed > young {
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
	return writeSigned(r.path, b.Bytes())
}

// parseStamp parses a line that save wrote.
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

// stampOf returns the stamp of a file.
func stampOf(info fs.FileInfo) stamp {
	changed, inode := changeOf(info)
	return stamp{size: info.Size(), modified: info.ModTime().UnixNano(), changed: changed, inode: inode}
}

// stateSubject is the subject of the authentication codes of this package's files.
const stateSubject = "image state"

// writeSigned writes a file atomically. The first line is an authentication code by which
// readSigned detects damage, and files that this machine did not write, such as files that
// came with the tree.
func writeSigned(path string, text []byte) error {
	code, err := machine.MAC(stateSubject, text)
	if err != nil {
		return err
	}
	return writeAtomic(path, append([]byte(code+"\n"), text...))
}

// writeAtomic writes a file atomically, and creates its directory.
func writeAtomic(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, text, 0o600)
}

// maxCacheFile limits the size of the cached files that are read. slipway never writes that
// much.
const maxCacheFile = 1 << 30

// readSigned returns what writeSigned wrote. It returns an error if the file is damaged
// or was not written on this machine.
func readSigned(path string) ([]byte, error) {
	all, err := source.ReadFile(nil, path, maxCacheFile)
	if err != nil {
		return nil, err
	}
	code, text, _ := bytes.Cut(all, []byte("\n"))
	ok, err := machine.VerifyMAC(string(code), stateSubject, text)
	if err == nil && !ok {
		err = fmt.Errorf("%s is damaged or was written on another machine", path)
	}
	return text, err
}
