package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Task is a function of package tasks with its options bound.
type Task func(context.Context, *tasks.Env) (*tasks.Result, error)

// Run calls task, and prints its events to Stderr and its result to Stdout. If it returns an
// error, that is an *ExitError.
func (a *App) Run(ctx context.Context, task Task) error {
	err := panics.Catch("", func() error { return a.run(ctx, task) })
	if fault := new(panics.Error); errors.As(err, &fault) && !errors.As(err, new(*ExitError)) {
		return a.fail(err) // the panic came while printing the result
	}
	return err
}

func (a *App) run(ctx context.Context, task Task) error {
	if a.invalid != nil {
		return a.refuse(a.invalid)
	}
	if a.Started() {
		return a.fail(&sandbox.StartedError{})
	}
	if forms := append([]string{"text", "json"}, a.forms...); a.Output != "" && !slices.Contains(forms, a.Output) {
		return a.refuse(&tasks.UsageError{Message: fmt.Sprintf("-o %s: the output must be %s", a.Output, strings.Join(forms, " or "))})
	}
	env, workflow := a.env()
	defer a.open().close()
	ctx = klog.NewContext(ctx, klog.Logger{}) // the Kubernetes client logs to standard error what it also returns
	silence()
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard) // so does net/http, with what a server sent, which may be a credential that it echoes
	ctx, faults := panics.Watch(ctx)
	interrupted := func() {}
	if workflow != nil {
		interrupted = workflow.interrupted
	}
	ctx, release := interruptible(ctx, interrupted, a.leave)
	defer release()
	latest := &lastStep{next: env.Events}
	env.Events = latest
	started := env.Now()
	var result *report.Result
	err := panics.Catch("", func() (err error) { result, err = task(ctx, env); return err })
	fault := new(panics.Error)
	if !errors.As(err, &fault) {
		err = errors.Join(err, faults())
	}
	if errors.As(err, &fault) && fault.At == "" {
		fault.At = latest.step()
	}
	if a.live != nil {
		a.live.Close()
	}
	if result == nil {
		result = &report.Result{Command: a.name}
	}
	result.Seconds = seconds(env.Now().Sub(started))
	result.ExitCode = tasks.ExitCode(err)
	if err != nil {
		result.Error = err.Error()
	}
	if workflow != nil {
		workflow.report(result, err)
		a.comment(ctx, workflow, result, env.Transport)
	}
	if a.sections != nil {
		a.sections.close()
	}
	a.saveReports(result, err, latest)
	if err := a.print(result); err != nil {
		return a.fail(fmt.Errorf("print the result: %w", err))
	}
	switch {
	case err == nil:
		return nil
	case workflow != nil && annotated(err):
		return &ExitError{Code: result.ExitCode, Err: err}
	}
	return a.fail(err)
}

// seconds returns d in seconds, with at most three decimals. Dividing once by 1000 gives the
// shortest form in JSON: 1.122, and not 1.1219999999999999.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// silence turns off what the Kubernetes client logs without a context, such as that a connection was closed.
func silence() {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("stderrthreshold", "FATAL") // a level of klog
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
}
