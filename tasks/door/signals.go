package door

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks"
)

// interruptible gives a context that the first signal to end cancels, so that runs
// are stopped and reported; the second one ends the process at once. A terminal that
// is closed (SIGHUP) ends a command as SIGTERM does, unless nohup had it ignored, and
// so does SIGQUIT. Nobody reading the output (SIGPIPE) ends nothing.
func interruptible(ctx context.Context) (context.Context, func()) {
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
		for n := range 2 {
			select {
			case <-done:
				return
			case <-signals:
			}
			if cancel(); n == 1 {
				os.Exit(tasks.ExitInterrupted)
			}
		}
	}, func(error) { cancel() })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
