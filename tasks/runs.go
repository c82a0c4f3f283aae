package tasks

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// RunOptions select a run.
type RunOptions struct {
	// Run is a run's id, the beginning of an id, or the name of a job or service. A name selects
	// the newest run with that name.
	Run string `arg:"RUN" complete:"run"`
}

// StatusOptions are the options of Status.
type StatusOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// LastSucceeded selects the job's newest run that succeeded.
	LastSucceeded bool `flag:"last-succeeded" help:"take the job's newest run that succeeded"`
}

// Status reports the details of one run: its history, reasons, metrics and outputs.
func Status(ctx context.Context, env *Env, o StatusOptions) (*Result, error) {
	return withRead(ctx, env, "status", o.Run, o.LastSucceeded, func(to *platform.Platform, r *polyaxon.Run, result *Result) error {
		outcome, err := run.Summarize(ctx, to.Polyaxon, to.RunTarget(r), to.Pods())
		if err != nil {
			return err
		}
		for _, warning := range outcome.MetricWarnings {
			to.Event(report.Warning, "run", outcome.Run.Name, warning)
		}
		one := runs.ReportOutcome(outcome)
		one.Commit, one.Gate = runs.CommitOf(&outcome.Run), runs.GateOf(&outcome.Run)
		service.NewMLflow(to).Add(ctx, outcome.Run.Name, &one)
		one.OutputsAt = to.OutputsAt(outcome)
		one.Cost = runs.Cost(to.Config.Prices, outcome)
		one.History = []report.Transition{}
		for _, c := range outcome.Conditions {
			one.History = append(one.History, report.Transition{Status: string(c.Type), Reason: c.Reason, Message: c.Message, Time: c.At()})
		}
		result.Runs = []report.Run{one}
		return nil
	})
}

// Stop stops a run, and confirms that it is stopping or has ended.
func Stop(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "stop", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *Result) error {
		if !r.Status.Terminal() {
			if err := run.Stop(ctx, to.Polyaxon, to.RunTarget(r)); err != nil {
				return exit.IfInterruptedWith(ctx, fmt.Errorf("stop run %s: %w", r.UUID, err), "whether run "+r.UUID+" was stopped is unknown; check it with slipway status "+r.UUID)
			}
		}
		now, err := to.Polyaxon.Run(ctx, to.Config.Project, r.UUID)
		if err != nil {
			return fmt.Errorf("get run %s: %w", r.UUID, err)
		}
		to.Report(report.Event{Kind: report.Done, Step: "stop", Subject: now.Name, Run: r.UUID, Status: string(now.Status), Message: string(now.Status)})
		result.Jobs = []report.Job{{Name: now.Name, Run: runs.Report(now)}}
		return nil
	})
}

// withRun finds the run that the user names, and calls do with it.
func withRun(ctx context.Context, env *Env, command, name string, do func(*platform.Platform, *polyaxon.Run, *Result) error) (*Result, error) {
	return withFound(ctx, env, command, name, runs.Find, do)
}

// withRead is like withRun for commands that only read what a run has written. If
// lastSucceeded is set, a job's name selects its newest run that succeeded.
func withRead(ctx context.Context, env *Env, command, name string, lastSucceeded bool, do func(*platform.Platform, *polyaxon.Run, *Result) error) (*Result, error) {
	choose := func(ctx context.Context, to *platform.Platform, name string) (*polyaxon.Run, error) {
		return runs.FindForReading(ctx, to, name, lastSucceeded)
	}
	return withFound(ctx, env, command, name, choose, do)
}

// errNoRun reports an empty name of a run, such as the value of an unset variable.
var errNoRun = exit.Usagef("a run is required: give a run's id, the beginning of one, or a job's name (slipway runs lists them)")

// findFunc finds the run that a name stands for.
type findFunc func(context.Context, *platform.Platform, string) (*polyaxon.Run, error)

// withFound connects to Polyaxon, finds a run with choose, and calls do with it. An empty
// name is a *UsageError.
func withFound(ctx context.Context, env *Env, command, name string, choose findFunc, do func(*platform.Platform, *polyaxon.Run, *Result) error) (*Result, error) {
	if strings.TrimSpace(name) == "" {
		return nil, errNoRun
	}
	to, err := env.connect(ctx)
	if err != nil {
		return nil, err
	}
	result := to.Result(command)
	found, err := choose(ctx, to, name)
	if err != nil {
		return result, exit.IfInterruptedWith(ctx, err, "")
	}
	return result, exit.IfInterruptedWith(ctx, do(to, found, result), "")
}
