// Slipway takes a machine learning repository from a commit to a finished run.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
)

func main() { os.Exit(run(door.Open(), os.Args[1:])) }

// run runs a command line and gives its exit code.
func run(d *door.Door, args []string) int {
	d.Self = []string{"sandbox", "serve"}
	err := panics.Catch("the command line", func() error {
		c := root(d)
		c.SetArgs(args)
		return c.ExecuteContext(context.Background())
	})
	var told *door.ExitError
	var fault *panics.Error
	switch {
	case err == nil:
		return tasks.ExitOK
	case errors.As(err, &told):
		return told.Code
	case errors.As(err, &fault):
		return d.Fault(fault)
	}
	return d.Usage(err)
}
