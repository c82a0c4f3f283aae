package file

import "sync"

// Held are the texts of the files and addresses that were read, by name. What was
// checked is then what is sent, also when somebody edits the file meanwhile.
type Held struct {
	mu    sync.Mutex
	texts map[string][]byte
}

// NewHeld gives one that holds nothing yet.
func NewHeld() *Held { return &Held{texts: map[string][]byte{}} }

// once gives what read gave for a name the first time that it gave no error.
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
		return first, nil // two at the same time: the first one counts
	}
	h.texts[name] = text
	return text, nil
}
