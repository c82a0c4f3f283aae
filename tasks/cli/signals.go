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

// exitTimeout is how long a command may take to exit after a signal, in case it is blocked, for
// example in a read. Stopping runs takes less time.
const exitTimeout = 15 * time.Second

// interruptible returns a context that is cancelled by the first signal, so that runs are
// stopped and reported, and calls interrupted. The second signal, or exitTimeout passing, calls
// leave and exits.
// Closing the terminal (SIGHUP) ends a command like SIGTERM, unless nohup made it ignore
// SIGHUP. So does SIGQUIT. SIGPIPE, which means that the output has no reader left, does not
// end the command.
func interruptible(ctx context.Context, interrupted, leave func()) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	endings := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		endings = append(endings, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endings...)
	// With SIGPIPE registered, a write to a closed pipe returns an error instead. Child
	// processes still get the signal.
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
			over = time.After(exitTimeout)
			interrupted()
		}
	}, func(error) { cancel() })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
