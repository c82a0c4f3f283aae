package tasks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/run"
)

// runsLimit is how many runs are looked through for one that the user names.
const runsLimit = 100

// Status tells all about one run: its history, reasons, metrics and outputs.
func Status(ctx context.Context, env *Env, name string) (*report.Result, error) {
	return env.withRun(ctx, "status", name, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
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

// Logs writes a run's lines to env.Stdout; with follow until the run has ended.
func Logs(ctx context.Context, env *Env, name string, follow, allContainers bool) (*report.Result, error) {
	return env.withRun(ctx, "logs", name, func(p *project, to *platform, r *polyaxon.Run, _ *report.Result) error {
		sink := &lineSink{project: p, w: env.Stdout, origins: run.Origins{Containers: allContainers}}
		options := p.following(to, run.FollowOptions{Logs: true, AllContainers: allContainers})
		var err error
		if !follow && !r.Status.Terminal() {
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

// Follow watches any run to its end, from any machine, and returns the error
// that its end means. Cancelling ctx leaves the run as it is. Of o it takes
// FailPending and Download.
func Follow(ctx context.Context, env *Env, name string, o JobOptions) (*report.Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return env.withRun(ctx, "follow", name, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
		job := &config.Job{Name: r.Name, OnCancel: "leave"}
		if job.Name == "" {
			job.Name = r.UUID
		}
		ended, err := p.follow(ctx, to, job, &run.Submitted{Run: *r, How: run.Attached}, o)
		result.Jobs = []report.Job{{Name: job.Name, Run: ended}}
		return errors.Join(err, p.bring(ctx, to, "", o, &result.Jobs[0].Run))
	})
}

// Stop stops a run and confirms that it is stopping or has ended.
func Stop(ctx context.Context, env *Env, name string) (*report.Result, error) {
	return env.withRun(ctx, "stop", name, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) error {
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
func (e *Env) withRun(ctx context.Context, command, name string, do func(*project, *platform, *polyaxon.Run, *report.Result) error) (*report.Result, error) {
	if strings.TrimSpace(name) == "" {
		return nil, usagef("no run is named: give a run's id, the beginning of one, or a job's name (slipway runs lists them)")
	}
	p, to, err := e.connected(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result(command)
	// What jobs print may hold secrets; those that can be read here are masked.
	for _, s := range p.secretList() {
		_, _ = p.bundle(ctx, s)
	}
	found, err := p.find(ctx, to, name)
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

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// find gives the run with this UUID, the only one whose UUID begins so, or the
// newest one of the job or service of this name.
func (p *project) find(ctx context.Context, to *platform, name string) (*polyaxon.Run, error) {
	plain := strings.ToLower(strings.ReplaceAll(name, "-", ""))
	if uuidPattern.MatchString(plain) {
		found, err := to.polyaxon.Run(ctx, p.config.Project, plain)
		if polyaxon.IsNotFound(err) {
			return nil, usagef("project %s has no run %s (slipway runs lists them)", p.config.Project, name)
		}
		return found, err
	}
	runs, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Sort: "-created_at", Limit: runsLimit})
	if err != nil && !polyaxon.IsNotFound(err) {
		return nil, err
	}
	var matches []string
	for i := range runs {
		switch {
		case runs[i].Name == name:
			return to.polyaxon.Run(ctx, p.config.Project, runs[i].UUID)
		case len(plain) >= 4 && strings.HasPrefix(runs[i].UUID, plain):
			matches = append(matches, runs[i].UUID)
		}
	}
	switch len(matches) {
	case 0:
		return nil, usagef("project %s has no run called %s, and none whose id begins so (slipway runs lists them)", p.config.Project, name)
	case 1:
		return to.polyaxon.Run(ctx, p.config.Project, matches[0])
	}
	return nil, usagef("%s is the beginning of %d runs: %s", name, len(matches), strings.Join(matches, ", "))
}
