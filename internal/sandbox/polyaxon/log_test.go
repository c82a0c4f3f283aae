package polyaxon

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// values returns what pods have printed since a time.
func values(dir string, since time.Time) (list []string, err error) {
	err = eachLine(dir, since, func(l line) error {
		list = append(list, l.Value)
		return nil
	})
	return list, err
}

// TestLinesOfPods checks the order of the lines of pods that ran one after the other, and
// of one that was resumed.
func TestLinesOfPods(t *testing.T) {
	dir := t.TempDir()
	write := func(pod string, from int, texts ...string) {
		now := time.Unix(int64(from), 0).UTC()
		log, err := openLog(filepath.Join(dir, pod+".jsonl"), pod, func() time.Time { now = now.Add(time.Second); return now })
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			_, _ = fmt.Fprintln(log.stream("main"), text)
		}
		if err := log.close(); err != nil {
			t.Fatal(err)
		}
	}
	write("pod-0", 100, "a", "b")
	write("pod-1", 200, "c")
	write("pod-10", 250, "d")
	write("pod-0", 300, "e")
	write("pod-2", 100, "at the same time")
	for since, want := range map[int][]string{0: {"a", "at the same time", "b", "c", "d", "e"}, 101: {"b", "c", "d", "e"}, 250: {"d", "e"}, 999: nil} {
		if got, err := values(dir, time.Unix(int64(since), 0)); err != nil || !slices.Equal(got, want) {
			t.Errorf("since %d: %q %v, want %q", since, got, err, want)
		}
	}
}

// heapMeter is a response that measures the heap once part of it was written.
type heapMeter struct {
	*httptest.ResponseRecorder
	sent int
	used uint64
}

func (h *heapMeter) Write(b []byte) (int, error) {
	if h.sent += len(b); h.used == 0 && h.sent > 1<<20 {
		h.used = heap()
	}
	return len(b), nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestLongLogsAreStreamed checks that a long log is not held in memory.
func TestLongLogsAreStreamed(t *testing.T) {
	s, err := New(Options{Dir: t.TempDir(), Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	run := &record{UUID: newUUID(), Project: "x", Status: succeeded}
	if err := s.store.add(run); err != nil {
		t.Fatal(err)
	}
	log, err := openLog(s.executor.dir("logs", run.UUID, "pod.jsonl"), "pod", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(log.stream("main"), strings.Repeat(strings.Repeat("a", 1000)+"\n", 16<<10))
	if err := log.close(); err != nil {
		t.Fatal(err)
	}
	before, h := heap(), &heapMeter{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(h, httptest.NewRequest(http.MethodGet, "/streams/v1/n/default/x/runs/"+run.UUID+"/logs", nil))
	if h.sent < 16<<20 || h.used > before+4<<20 {
		t.Errorf("%d bytes were sent, and %d held", h.sent, h.used-before)
	}
}

// TestProgressBars checks that the log keeps the last state of a redrawn line, and that
// liveStates returns its current state.
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
		for _, l := range log.liveStates() {
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
	print("10%\r20%\r       \r") // a bar that is erased
	going("20%\r")
	print("\nlast\rone")
	if err := log.close(); err != nil {
		t.Fatal(err)
	}
	got, err := values(dir, time.Time{})
	if want := []string{"plain", "windows", "no bar", "100%|####", "20%", "one"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the log has %q, %v; want %q", got, err, want)
	}
}
