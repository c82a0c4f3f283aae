package transfer_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestShellOfEndlessFile lets a job write to a file without a line break while it is read. The file is named, the
// others are copied, and the memory does not hold what the job writes.
func TestShellOfEndlessFile(t *testing.T) {
	const grown = 256 << 20
	by := shells(t)["sh"]
	_, dir, in, out := byShell(t, by)
	write(t, dir, map[string]string{"a": "first", "b": "second", "c": "third"})
	if _, err := in(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"a": "1", "b": "2", "c": "3"})
	broken := false
	by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) {
		if strings.HasPrefix(script, "exec sh -s") && !broken {
			broken = true
			out = &growing{Writer: out, after: []byte("ok\nfirst"), left: grown}
		}
		return in, out
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := out()
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "a changed or vanished") {
		t.Errorf("the error is %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > grown/4 {
		t.Errorf("it took %d MiB", used>>20)
	}
	equal(t, map[string]string{"a": "1", "b": "second", "c": "third"}, read(t, dir))
}

// growing adds many bytes to the output behind a text, wherever the pieces that are written end.
type growing struct {
	io.Writer
	after []byte
	seen  bytes.Buffer
	left  int
}

func (g *growing) Write(p []byte) (int, error) {
	before := g.seen.Len()
	if g.seen.Write(p); g.left <= 0 || !bytes.HasPrefix(g.seen.Bytes(), g.after) {
		return g.Writer.Write(p)
	}
	cut := len(g.after) - before
	_, err := g.Writer.Write(p[:cut])
	more := bytes.Repeat([]byte("x"), 1<<20)
	for ; g.left > 0 && err == nil; g.left -= len(more) {
		_, err = g.Writer.Write(more)
	}
	if err == nil {
		_, err = g.Writer.Write(p[cut:])
	}
	return len(p), err
}
