package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// runsLimit is how many runs are looked through for one that the user names.
const runsLimit = 100

// RunOptions say which run is meant.
type RunOptions struct {
	// Run is a run's id, the beginning of one, or the name of a job or service, which
	// stands for its newest run.
	Run string
}

// StatusOptions say which run is told about.
type StatusOptions struct {
	// Run is as in RunOptions.
	Run string
	// LastSucceeded takes, of a job's runs, the newest that succeeded.
	LastSucceeded bool
}

// Status tells all about one run: its history, reasons, metrics and outputs.
func Status(ctx context.Context, env *Env, o StatusOptions) (*Result, error) {
	return env.withRead(ctx, "status", o.Run, chosen{o.LastSucceeded}, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
		outcome, err := run.Summarize(ctx, to.polyaxon, p.target(to, r), to.pods())
		if err != nil {
			return err
		}
		one := reportOutcome(outcome)
		one.OutputsAt = p.outputsAt(to, outcome)
		one.Cost = cost(p.config.Prices, outcome)
		one.History = []report.Transition{}
		for _, c := range outcome.Conditions {
			one.History = append(one.History, report.Transition{Status: string(c.Type), Reason: c.Reason, Message: c.Message, Time: c.At()})
		}
		result.Runs = []report.Run{one}
		return nil
	})
}

// LogsOptions say which lines are written.
type LogsOptions struct {
	// Run is as in RunOptions.
	Run string
	// LastSucceeded takes, of a job's runs, the newest that succeeded.
	LastSucceeded bool
	// Follow writes lines until the run has ended.
	Follow bool
	// AllContainers writes those of init and sidecar containers too.
	AllContainers bool
}

// Logs writes a run's lines to env.Stdout.
func Logs(ctx context.Context, env *Env, o LogsOptions) (*Result, error) {
	return env.withRead(ctx, "logs", o.Run, chosen{o.LastSucceeded}, func(p *project, to *platform, r *polyaxon.Run, _ *report.Result) error {
		sink := &lineSink{project: p, w: env.Stdout, origins: run.Origins{Containers: o.AllContainers}}
		options := p.following(to, run.FollowOptions{Logs: true, AllContainers: o.AllContainers})
		var err error
		if !o.Follow && !r.Status.Terminal() {
			err = run.Logs(ctx, to.polyaxon, p.target(to, r), options, sink)
		} else {
			_, err = run.Follow(ctx, to.polyaxon, p.target(to, r), options, sink)
		}
		if err == nil && sink.count == 0 {
			p.event(report.Note, "", "", "no lines: run "+r.UUID+" has printed nothing so far")
		}
		return err
	})
}

// FollowOptions say how a run is followed.
type FollowOptions struct {
	// Run is as in RunOptions.
	Run string
	// FailPending, when it is not zero, is how long the run may wait before it is stopped
	// and the command ends with ExitPending.
	FailPending time.Duration
	// Download, when it is not empty, is a directory into which the run's files are
	// downloaded once it has ended, however it did.
	Download string
}

// Follow watches any run to its end, from any machine, and returns the error
// that its end means. Cancelling ctx leaves the run as it is.
func Follow(ctx context.Context, env *Env, o FollowOptions) (*Result, error) {
	how := jobOptions{FailPending: o.FailPending, Download: o.Download}
	if err := how.check(); err != nil {
		return nil, err
	}
	return env.withRun(ctx, "follow", o.Run, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
		job := &config.Job{Name: r.Name, OnCancel: "leave"}
		if job.Name == "" {
			job.Name = r.UUID
		}
		ended, err := p.follow(ctx, to, job, &run.Submitted{Run: *r, How: run.Attached}, how)
		result.Jobs = []report.Job{{Name: job.Name, Run: ended}}
		return errors.Join(err, p.bring(ctx, to, "", how, &result.Jobs[0].Run))
	})
}

// Stop stops a run and confirms that it is stopping or has ended.
func Stop(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return env.withRun(ctx, "stop", o.Run, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
		if !r.Status.Terminal() {
			if err := run.Stop(ctx, to.polyaxon, p.target(to, r)); err != nil {
				return unsure(ctx, fmt.Errorf("stop run %s: %w", r.UUID, err), "whether run "+r.UUID+" was stopped is unknown, and slipway status "+r.UUID+" tells")
			}
		}
		now, err := to.polyaxon.Run(ctx, p.config.Project, r.UUID)
		if err != nil {
			return fmt.Errorf("ask for run %s: %w", r.UUID, err)
		}
		p.event(report.Done, "stop", now.Name, string(now.Status))
		result.Jobs = []report.Job{{Name: now.Name, Run: reportRun(now)}}
		return nil
	})
}

// connected opens the configuration and the platform, for commands that only ask.
func (e *Env) connected(ctx context.Context) (*project, *platform, error) {
	p, err := e.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := p.config.Unbuilt(nil, nil); err != nil {
		return nil, nil, err
	}
	to, err := p.connect(ctx, uses{runs: true})
	return p, to, unsure(ctx, err, "")
}

// withRun finds the run that the user names and does something with it.
func (e *Env) withRun(ctx context.Context, command, name string, do runVerb) (*report.Result, error) {
	return e.withChosen(ctx, command, name, (*project).find, do)
}

// withRead is withRun for commands that only read what a run left.
func (e *Env) withRead(ctx context.Context, command, name string, which chosen, do runVerb) (*report.Result, error) {
	return e.withChosen(ctx, command, name, which.find, do)
}

type (
	runVerb   func(*project, *platform, *polyaxon.Run, *report.Result) error
	runChoice func(*project, context.Context, *platform, string) (*polyaxon.Run, error)
)

func (e *Env) withChosen(ctx context.Context, command, name string, choose runChoice, do runVerb) (*report.Result, error) {
	if strings.TrimSpace(name) == "" {
		return nil, usagef("no run is named: give a run's id, the beginning of one, or a job's name (slipway runs lists them)")
	}
	p, to, err := e.connected(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result(command)
	found, err := choose(p, ctx, to, name)
	if err != nil {
		return result, unsure(ctx, err, "")
	}
	return result, unsure(ctx, do(p, to, found, result), "")
}

// unsure gives an *InterruptedError that says what is not known, or err when ctx was
// not cancelled, or when err is one that knows better.
func unsure(ctx context.Context, err error, what string) error {
	if interrupted := new(InterruptedError); err == nil || ctx.Err() == nil || errors.As(err, &interrupted) {
		return err
	}
	return &InterruptedError{Outcome: what}
}
