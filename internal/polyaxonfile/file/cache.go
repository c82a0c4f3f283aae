package file

import "sync"

// Cache caches the texts of files and addresses by name. It makes sure that the text that
// is sent is the text that was checked, even if the file is edited in between. Its
// methods may be called concurrently.
type Cache struct {
	mu    sync.Mutex
	texts map[string][]byte
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{texts: map[string][]byte{}} }

// load returns the cached text of a name, or calls read and caches its result. Errors are
// not cached. With a nil Cache it calls read each time.
func (h *Cache) load(name string, read func() ([]byte, error)) ([]byte, error) {
	if h == nil {
		return read()
	}
	h.mu.Lock()
	text, have := h.texts[name]
	h.mu.Unlock()
	if have {
		return text, nil
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if first, have := h.texts[name]; have {
		return first, nil // both callers get the text that was stored first
	}
	h.texts[name] = text
	return text, nil
}
