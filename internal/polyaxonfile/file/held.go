package file

import "sync"

// Held caches the texts of files and addresses by name. It makes sure that the text that
// is sent is the text that was checked, even if the file is edited in between. Its
// methods may be called concurrently.
type Held struct {
	mu    sync.Mutex
	texts map[string][]byte
}

// NewHeld returns an empty cache.
func NewHeld() *Held { return &Held{texts: map[string][]byte{}} }

// once returns the cached text of a name, or calls read and caches its result. Errors are
// not cached. With a nil Held it calls read each time.
func (h *Held) once(name string, read func() ([]byte, error)) ([]byte, error) {
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
