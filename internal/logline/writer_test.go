package logline

import (
	"strings"
	"testing"
)

// TestWriter writes text in pieces of each size.
func TestWriter(t *testing.T) {
	text := "a\x1b]0;title\x07b\r\n::set-output name=x::y\n\x1b[31mred\x1b[0m é\u202e\xff\n\n" + strings.Repeat("é", maxLine) + "\nend\x1b[2J"
	want := `a\x1b]0;title\x07b` + "\n:\u200b:set-output name=x::y\n\x1b[31mred\x1b[0m é" + `\u202e\xff` + "\n\n" + strings.Repeat("é", maxLine) + "\nend" + `\x1b[2J`
	for _, size := range []int{1, 2, 3, 7, 4096, len(text)} {
		var b strings.Builder
		w := &Writer{To: &b}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			if rest = rest[n:]; len(w.held) > maxLine+size {
				t.Fatalf("%d bytes are held back", len(w.held))
			}
		}
		if err := w.Flush(); err != nil || b.String() != want {
			t.Errorf("in pieces of %d: %v, %.200q", size, err, b.String())
		}
	}
}
