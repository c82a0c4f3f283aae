package image

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxFacts is the number of layers whose facts are stored.
const maxFacts = 2000

// facts are the digests and the size in bytes of a compressed layer.
type facts struct {
	Digest v1.Hash
	DiffID v1.Hash
	Size   int64
}

// ledger stores the facts of layers on this machine, by the fingerprint of their content,
// so that a layer whose blob is in the registry is not packed again. If the registry has
// the manifest of the last push, the ledger is not needed for that.
type ledger struct {
	path string

	mu    sync.Mutex
	facts map[string]facts
	order []string
	added bool
}

// openLedger reads the ledger of the tree at dir. It is empty if the file is missing or
// damaged.
func openLedger(dir string) *ledger {
	m := &ledger{path: filepath.Join(cacheDir(dir), "layers"), facts: map[string]facts{}}
	text, err := readSigned(m.path)
	if err != nil {
		return m
	}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		fields := strings.Fields(scanner.Text())
		if len(fields) != 4 {
			continue
		}
		digest, digestErr := v1.NewHash(fields[1])
		diffID, diffErr := v1.NewHash(fields[2])
		size, sizeErr := strconv.ParseInt(fields[3], 10, 64)
		if digestErr == nil && diffErr == nil && sizeErr == nil {
			m.add(fields[0], facts{digest, diffID, size})
		}
	}
	m.added = false
	return m
}

// add records the facts of a layer.
func (m *ledger) add(fingerprint string, f facts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if had, ok := m.facts[fingerprint]; ok && had == f {
		return
	}
	m.facts[fingerprint] = f
	m.order = append(m.order, fingerprint)
	m.added = true
}

// lookup returns the facts of a layer by its fingerprint.
func (m *ledger) lookup(fingerprint string) (facts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.facts[fingerprint]
	return f, ok
}

// save writes the facts to disk, without the oldest if there are too many.
func (m *ledger) save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.added {
		return nil
	}
	var b bytes.Buffer
	for _, fingerprint := range m.order[max(0, len(m.order)-maxFacts):] {
		f := m.facts[fingerprint]
		fmt.Fprintf(&b, "%s %s %s %d\n", fingerprint, f.Digest, f.DiffID, f.Size)
	}
	return writeSigned(m.path, b.Bytes())
}
