package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

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

// count counts events, and passes them on.
type count struct {
	tasks.Sink
	events int
}

// Event implements tasks.Sink. Nothing happens at the same time in the example.
func (c *count) Event(e tasks.Event) {
	c.events++
	c.Sink.Event(e)
}

// A task may change the Env: here its clock, its variables and its sink. What it prints to Out is masked.
func ExampleApp_Out() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	text := "project: p\nsecrets: {token: {data: {token: env:TOKEN}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
		panic(err)
	}
	app := cli.Open()
	app.Dir, app.Quiet, app.Stderr = dir, true, io.Discard
	err = app.Run(context.Background(), func(ctx context.Context, env *tasks.Env) (*tasks.Result, error) {
		counted := &count{Sink: env.Events}
		env.Events = counted
		env.Now = func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }
		env.Lookup = func(name string) (string, bool) { return "correct horse", name == "TOKEN" }
		result, err := tasks.Plan(ctx, env, tasks.PlanOptions{Offline: true})
		if err != nil {
			return result, err
		}
		fmt.Fprintln(app.Out(), counted.events == len(result.Events), result.Events[0].Time.Year(), "correct horse")
		return &tasks.Result{Command: "own"}, nil
	})
	fmt.Println(err)
	// Output:
	// true 2030 ***
	// <nil>
}
