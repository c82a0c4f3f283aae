package polyaxon

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestProgressBars keeps the last state of a line that a program redraws, and tells
// the one that it has just now.
func TestProgressBars(t *testing.T) {
	now := time.Unix(1000, 0).UTC()
	dir := t.TempDir()
	log, err := openLog(filepath.Join(dir, "pod.jsonl"), "pod", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	main := log.stream("main")
	print := func(text string) { _, _ = fmt.Fprint(main, text) }
	going := func(want ...string) {
		t.Helper()
		var got []string
		for _, l := range log.going() {
			got = append(got, l.Value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("going on: %q, want %q", got, want)
		}
	}
	print("plain\nwindows\r")
	going("windows\r")
	print("\n")
	going()
	print("no bar")
	going()
	print("\n")
	for i := range 100000 {
		print(fmt.Sprintf("\r%3d%%|####", i/1000))
	}
	going(" 99%|####\r")
	if n := len(log.streams["main"][0].partial); n > 100 {
		t.Errorf("%d bytes are held of a bar", n)
	}
	print("\r100%|####\n")
	going()
	print("10%\r20%\r       \r") // a bar that goes away
	going("20%\r")
	print("\nlast\rone")
	if err := log.close(); err != nil {
		t.Fatal(err)
	}
	lines, err := readLines(dir, time.Time{})
	var got []string
	for _, l := range lines {
		got = append(got, l.Value)
	}
	if want := []string{"plain", "windows", "no bar", "100%|####", "20%", "one"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the log has %q, %v; want %q", got, err, want)
	}
}
