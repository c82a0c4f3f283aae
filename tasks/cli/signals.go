package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks"
)

// lastWait is how long a command has that was told to end, and heeds it in no way: it may
// read what hangs. Who stops runs needs less.
const lastWait = 15 * time.Second

// interruptible gives a context that the first signal to end cancels, so that runs
// are stopped and reported; the second one calls leave and ends the process at once. A terminal that
// is closed (SIGHUP) ends a command as SIGTERM does, unless nohup had it ignored, and
// so does SIGQUIT. Nobody reading the output (SIGPIPE) ends nothing.
func interruptible(ctx context.Context, leave func()) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	endings := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		endings = append(endings, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endings...)
	// Once it is asked for, a write to what nobody reads fails instead, and children
	// still get it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	done := make(chan struct{})
	panics.Go(func() {
		var over <-chan time.Time
		for n := range 2 {
			select {
			case <-done:
				return
			case <-signals:
			case <-over:
			}
			if cancel(); n == 1 {
				leave()
				os.Exit(tasks.ExitInterrupted)
			}
			over = time.After(lastWait)
		}
	}, func(error) { cancel() })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
