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

func main() { os.Exit(run()) }

func run() int {
	d := door.Open()
	d.Self = []string{"sandbox", "serve"}
	err := panics.Catch("the command line", func() error { return root(d).ExecuteContext(context.Background()) })
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
