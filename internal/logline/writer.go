package logline

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// maxLine is how much of a line a Writer holds, in bytes. Longer lines are made safe in parts.
const maxLine = 64 << 10

// Writer writes text to To, with each line as Sanitize returns it. What follows the last end of a line is held back
// until Flush.
type Writer struct {
	To   io.Writer
	held []byte
}

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) {
	w.held = append(w.held, b...)
	var safe bytes.Buffer
	for {
		end := bytes.IndexByte(w.held, '\n')
		next := end + 1
		if end < 0 || end > maxLine {
			if len(w.held) <= maxLine {
				break
			}
			for end = maxLine; end > maxLine-utf8.UTFMax && !utf8.RuneStart(w.held[end]); end-- {
			}
			next = end
		}
		safe.WriteString(Sanitize(string(w.held[:end])))
		if next > end {
			safe.WriteByte('\n')
		}
		w.held = w.held[next:]
	}
	if _, err := w.To.Write(safe.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Flush writes what is held back.
func (w *Writer) Flush() error {
	_, err := io.WriteString(w.To, Sanitize(string(w.held)))
	w.held = nil
	return err
}
