package secret

import (
	"bytes"
	"io"
	"sync"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

const (
	// maxLine is the maximum number of bytes of an unfinished line that are held back.
	maxLine = 64 << 10
	// before is how many written bytes are kept, as the text before a value decides whether
	// it is masked.
	before = 512
)

// Writer masks what is written to it, however the writes are split. Text that may be the
// beginning of a value is held back until more text follows, its line ends, or Flush is
// called. All other text is written at once.
type Writer struct {
	mu     sync.Mutex
	to     io.Writer
	masker *Masker
	// line is the unfinished line. Its first written bytes are already written.
	line    []byte
	written int
}

// Writer returns a Writer that writes to w.
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

// Raw returns a writer that bypasses the masks, for commands that tell another program
// what to mask.
func (w *Writer) Raw() io.Writer { return raw{w} }

type raw struct{ *Writer }

// Write implements io.Writer.
func (w raw) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// control matches a terminal's control sequence at the end of a text.
var control = lazyregexp.New(`\x1b\[[0-9;?]*[A-Za-z]$`)

// Flush writes the text that is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(len(w.line), true)
}

// pass writes line[:end] as far as its masks cannot change any more, or all of it if last
// is set.
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
