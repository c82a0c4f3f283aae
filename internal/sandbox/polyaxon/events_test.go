package polyaxon

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"
)

// TestEvents reads the events of a metric.
func TestEvents(t *testing.T) {
	text := "step|timestamp|metric\n1|2026-01-01T00:00:00Z|0.5\n|2026-01-01T00:00:01Z|nan\n"
	want := map[string][]any{"step": {1.0, nil}, "timestamp": {"2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"}, "metric": {0.5, nil}}
	if got, err := parseEvents("metric", []byte(text)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, none := range []string{"", "\n", "step|timestamp|metric\n"} {
		if got, err := parseEvents("metric", []byte(none)); err == nil {
			t.Errorf("%q: %v", none, got)
		}
	}
}

// TestHostileEvents has files of a job with as many values as fit. They are refused before they take
// a hundred times their own memory.
func TestHostileEvents(t *testing.T) {
	for name, text := range map[string][]byte{
		"short rows":   append([]byte("step|timestamp|metric\n"), bytes.Repeat([]byte("||\n"), maxEvents/3)...),
		"many columns": append(append(bytes.Repeat([]byte("|"), maxEvents/2), '\n'), bytes.Repeat([]byte("|"), maxEvents/2)...),
		"a long cell":  append([]byte("step|timestamp|metric\n1|2|"), bytes.Repeat([]byte("x"), maxEvents)...),
		"a quote":      append([]byte("\"step|timestamp|metric\n1|2|"), bytes.Repeat([]byte("|"), maxEvents)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseEvents("metric", text)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 16*maxEvents || err == nil && name != "a long cell" {
			t.Errorf("%s: %d MiB, %v", name, took>>20, err)
		}
	}
}
