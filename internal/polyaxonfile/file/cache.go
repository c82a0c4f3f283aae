package file

import (
	"path/filepath"
	"sync"
)

// Cache caches the texts of files and addresses by name, and Polyaxonfiles that were made
// of them. It makes sure that the text that is sent is the text that was checked, even if
// the file is edited in between. Its methods may be called concurrently.
type Cache struct {
	mu    sync.Mutex
	texts map[string][]byte
	files map[string]*File
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{texts: map[string][]byte{}, files: map[string]*File{}} }

// File returns the cached Polyaxonfile of a name, or calls read and caches its result.
// Errors are not cached. Callers share the File, so they must not change it. With a nil
// Cache it calls read each time.
func (h *Cache) File(name string, read func() (*File, error)) (*File, error) {
	if h == nil {
		return read()
	}
	return cached(&h.mu, h.files, name, read)
}

// Replace caches another text for the file at path, which a command has written.
func (h *Cache) Replace(path string, text []byte) {
	full, err := filepath.Abs(path)
	if h == nil || err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts[full] = text
	clear(h.files) // another Polyaxonfile may refer to it
}

// load returns the cached text of a name, or calls read and caches its result. Errors are
// not cached. With a nil Cache it calls read each time.
func (h *Cache) load(name string, read func() ([]byte, error)) ([]byte, error) {
	if h == nil {
		return read()
	}
	return cached(&h.mu, h.texts, name, read)
}

// cached returns the value of a name in all, or calls read and stores its result. All
// concurrent callers get the value that was stored first.
func cached[V any](mu *sync.Mutex, all map[string]V, name string, read func() (V, error)) (V, error) {
	mu.Lock()
	value, have := all[name]
	mu.Unlock()
	if have {
		return value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	mu.Lock()
	defer mu.Unlock()
	if first, have := all[name]; have {
		return first, nil
	}
	all[name] = value
	return value, nil
}
