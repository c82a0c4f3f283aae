package panics

import (
	"testing"
	"time"
)

// TestWaitAtMost waits for functions that end, that panic, and that do not end.
func TestWaitAtMost(t *testing.T) {
	var ended, stuck, faulty WaitGroup
	ended.Go(func() {})
	ended.WaitAtMost(time.Minute)
	free := make(chan struct{})
	defer close(free)
	stuck.Go(func() { <-free })
	stuck.WaitAtMost(time.Millisecond)
	faulty.Go(func() { panic("provoked") })
	if err := Catch("", func() error { faulty.WaitAtMost(time.Minute); return nil }); err == nil {
		t.Error("the panic is lost")
	}
}
