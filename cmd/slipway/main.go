// Slipway takes a machine learning repository from a commit to a finished run.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
)

func main() { os.Exit(run()) }

// run cancels the command's context at the first SIGINT or SIGTERM, so that it
// stops its runs and reports, and exits at once at the second.
func run() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(tasks.ExitInterrupted)
	}()

	d := door.Open()
	d.Self = []string{"sandbox", "serve"}
	err := root(d).ExecuteContext(ctx)
	var told *door.ExitError
	switch {
	case err == nil:
		return tasks.ExitOK
	case errors.As(err, &told):
		return told.Code
	}
	return d.Usage(err)
}
