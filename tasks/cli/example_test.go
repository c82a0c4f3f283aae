package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// Run prints what the task does and the error that it returns, and the error of Run has the exit code.
func ExampleApp_Run() {
	app := cli.Open()
	app.Stdout, app.Stderr = io.Discard, io.Discard
	err := app.Run(context.Background(), func(ctx context.Context, env *tasks.Env) (*tasks.Result, error) {
		result, err := tasks.ComponentList(ctx, env)
		if err != nil {
			return result, err
		}
		return result, &tasks.RunError{Job: "train", UUID: "0123", Status: "failed", Message: "exit code 1"}
	})
	fmt.Println(tasks.ExitCode(err), errors.Unwrap(err))
	// Output: 1 job train: run 0123 failed: exit code 1
}
