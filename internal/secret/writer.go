package secret

import (
	"bytes"
	"io"
	"regexp"
	"sync"
)

const (
	// maxLine is how much of a line that does not end is held back at most.
	maxLine = 64 << 10
	// before is how much of what was written is kept to know what stands before.
	before = 512
)

// Writer masks what is written to it, wherever the writes are split. What may be
// the beginning of a value is held back until more comes, its line ends, or Flush
// is called; nothing else is.
type Writer struct {
	mu     sync.Mutex
	to     io.Writer
	masker *Masker
	// line is the line that has not ended, of which the first bytes are written.
	line    []byte
	written int
}

// Writer gives a Writer to w.
func (m *Masker) Writer(w io.Writer) *Writer { return &Writer{to: w, masker: m} }

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, b...)
	if err := w.pass(bytes.LastIndexByte(w.line, '\n')+1, true); err != nil {
		return 0, err
	}
	return len(b), w.pass(len(w.line), control.Match(w.line[max(0, len(w.line)-16):]))
}

// Raw gives a way to write past the masks: for what tells somebody else to mask.
func (w *Writer) Raw() io.Writer { return raw{w} }

type raw struct{ *Writer }

// Write implements io.Writer.
func (w raw) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// control finds a terminal's control sequence at the end of a text.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]$`)

// Flush writes what is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(len(w.line), true)
}

// pass writes the line up to end, as far as it is certain; all of it where it is
// the last of it.
func (w *Writer) pass(end int, last bool) error {
	if end == 0 || end <= w.written && !last {
		return nil
	}
	text := w.line[:end]
	out := text[min(w.written, end):]
	safe := end
	if w.masker != nil {
		w.masker.mu.RLock()
		spans, certain := w.masker.find(text, min(w.written, end), last || end > maxLine)
		w.masker.mu.RUnlock()
		safe = certain
		out = replace(nil, text, min(w.written, end), safe, spans)
	}
	var err error
	if len(out) > 0 {
		_, err = w.to.Write(out)
	}
	w.written = safe
	ended := bytes.LastIndexByte(w.line[:safe], '\n') + 1
	if gone := max(ended, safe-before); gone > 0 {
		w.line = append(w.line[:0], w.line[gone:]...)
		w.written -= gone
	}
	return err
}
