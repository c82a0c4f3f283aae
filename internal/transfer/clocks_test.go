package transfer_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestClocks syncs one bucket from two machines, whose clocks are two days apart. What either of them changes reaches
// the other, also where it keeps its size and is the older one by its time, and nothing else moves.
func TestClocks(t *testing.T) {
	b := serve(t)
	type machine struct {
		dir, cache string
		ahead      time.Duration
	}
	ahead, behind := machine{t.TempDir(), t.TempDir(), 24 * time.Hour}, machine{t.TempDir(), t.TempDir(), -24 * time.Hour}
	change := func(m machine, text string) {
		t.Helper()
		write(t, m.dir, map[string]string{"a": text})
		now := time.Now().Add(m.ahead)
		if err := os.Chtimes(filepath.Join(m.dir, "a"), now, now); err != nil {
			t.Fatal(err)
		}
	}
	sync := func(m machine, from, to string, changes int) {
		t.Helper()
		s, err := b.sync(t, from, to, m.cache, func(o *transfer.Options) { o.Now = func() time.Time { return time.Now().Add(m.ahead) } })
		if err != nil || len(s.Changes) != changes {
			t.Errorf("%s to %s: %+v, %v, want %d changes", from, to, s, err, changes)
		}
	}
	for _, round := range []struct {
		writer, reader machine
		text           string
	}{{ahead, behind, "one"}, {behind, ahead, "two"}, {ahead, behind, "six"}, {behind, ahead, "ten"}} {
		change(round.writer, round.text)
		for _, changes := range []int{1, 0} {
			sync(round.writer, round.writer.dir, "gs://data", changes)
		}
		for _, changes := range []int{1, 0} {
			sync(round.reader, "gs://data", round.reader.dir, changes)
		}
		equal(t, map[string]string{"a": round.text}, read(t, round.reader.dir))
	}
}
