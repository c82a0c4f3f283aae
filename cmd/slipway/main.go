// Slipway takes a machine learning repository from a commit to a finished run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// garbage is the percentage by which the heap grows before it is collected, unless GOGC is
// set. A command ends soon with a small heap: at Go's 100, a sixth of the processor time of
// check and deploy went into collections that freed 2 MB each.
const garbage = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(run(cli.Open(), os.Args[1:]))
}

// run runs a command line and returns its exit code.
func run(a *cli.App, args []string) int {
	table := command.Table()
	a.Self, a.Plugin = command.Server(table), command.Plugin(table)
	printed := &output{Writer: a.Out()}
	err := panics.Catch("the command line", func() error {
		c := root(a, table, printed)
		c.SetArgs(args)
		return c.ExecuteContext(context.Background())
	})
	var told *cli.ExitError
	var fault *panics.Error
	switch {
	case printed.err != nil:
		return a.Fault(fmt.Errorf("print: %w", printed.err))
	case err == nil:
		return tasks.ExitOK
	case errors.As(err, &told):
		return told.Code
	case errors.As(err, &fault):
		return a.Fault(fault)
	}
	return a.Usage(err)
}

// output is the writer to which help, completion scripts and the version are printed. It keeps the first
// error, which cobra ignores for help.
type output struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}
