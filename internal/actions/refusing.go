package actions

import (
	"errors"
	"io"
	"strings"
)

// ErrCommand is the error of a RefusingWriter.
var ErrCommand = errors.New("it has text that the workflow's runner would obey as a command")

// RefusingWriter writes bytes to To as they are, up to what a runner would take for a command (see
// ContainsCommand). It does not write that, and returns ErrCommand. So what a program reads from a pipe is never
// changed.
type RefusingWriter struct {
	To io.Writer
	// text reports whether the line has something other than blanks, colons are those that it begins with, and
	// hashes the last ones.
	text           bool
	colons, hashes int
}

// Write implements io.Writer.
func (w *RefusingWriter) Write(b []byte) (int, error) {
	for n, c := range b {
		if w.isCommand(c) {
			written, err := w.To.Write(b[:n])
			if err != nil {
				return written, err
			}
			return written, ErrCommand
		}
	}
	return w.To.Write(b)
}

// isCommand reports whether a command begins with c and the bytes before it. What is not ASCII may be a part of a blank.
func (w *RefusingWriter) isCommand(c byte) bool {
	if c == '[' && w.hashes >= 2 {
		return true
	}
	if w.hashes++; c != '#' {
		w.hashes = 0
	}
	switch {
	case c == '\n', c == '\r':
		w.text, w.colons = false, 0
	case w.text:
	case c == ':':
		w.colons++
	case w.colons > 0, c < 0x80 && !strings.ContainsRune(" \t\v\f", rune(c)):
		w.text = true
	}
	return !w.text && w.colons == 2
}
