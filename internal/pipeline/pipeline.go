// Package pipeline submits the jobs of slipway.yaml to Polyaxon and follows them to their ends: in
// the order of `after`, and the runs of a matrix up to the one that is good enough.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// jobLimit is how many jobs of a pipeline, or runs of a matrix, are submitted and followed at once.
const jobLimit = 16

// Options say how jobs are submitted and followed.
type Options struct {
	// Rerun submits again what succeeded, or is active, for the same inputs.
	Rerun bool
	// FailPending, when it is not zero, is how long a run may wait before it is stopped.
	FailPending time.Duration
	// Download, when it is not empty, is the directory that the files of runs are downloaded into.
	Download string
	// Detach submits and does not follow.
	Detach bool
}

// Check returns an *exit.UsageError for options that make no sense.
func (o Options) Check() error {
	if o.FailPending < 0 {
		return exit.Usagef("a run cannot wait for %s: --fail-pending is a time such as 10m", o.FailPending)
	}
	return nil
}

// Pipeline takes jobs to their ends. The platform's Polyaxon must be connected.
type Pipeline struct {
	*platform.Platform
	Options
	// References are those of the images, by digest, by the images' names.
	References map[string]string

	// several reports whether there are several jobs, whose files each have a directory.
	several bool
}

// Run submits and follows jobs, which are in an order in which each comes after its upstream. Each
// begins as soon as all of its own upstream has succeeded. One whose upstream did not is not
// submitted; all others go to their ends. The errors of all jobs are joined. Cancelling ctx stops
// the runs, or leaves them, by each job's on-cancel.
func (p *Pipeline) Run(ctx context.Context, jobs []*config.Job) ([]Ended, error) {
	p.several = len(jobs) > 1
	all, failures := make([]Ended, len(jobs)), make([]error, len(jobs))
	slots := make(chan struct{}, jobLimit)
	done := make([]chan struct{}, len(jobs))
	index := map[string]int{}
	var group panics.WaitGroup
	for n, j := range jobs {
		index[j.Name], done[n] = n, make(chan struct{})
		var upstream []int
		for _, name := range j.After {
			upstream = append(upstream, index[name])
		}
		group.Go(func() {
			defer close(done[n])
			before := map[string]Ended{}
			for _, u := range upstream {
				<-done[u]
				before[jobs[u].Name] = all[u]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			failures[n] = panics.Catch("job "+j.Name, func() (err error) {
				all[n], err = p.Job(ctx, j, before)
				return err
			})
		})
	}
	group.Wait()
	return all, errors.Join(failures...)
}

// Job submits and follows one job, when its upstream, by name, has succeeded.
func (p *Pipeline) Job(ctx context.Context, j *config.Job, before map[string]Ended) (Ended, error) {
	e := Ended{Name: j.Name, After: j.After}
	var upstream []string
	uuids := map[string]string{}
	for _, name := range j.After {
		if before[name].Status != polyaxon.Succeeded {
			e.Action, e.Status = Skipped, polyaxon.UpstreamFailed
			e.Message = fmt.Sprintf("not submitted: %s did not succeed", name)
			p.Event(report.Status, "run", j.Name, e.Message)
			return e, nil
		}
		upstream, uuids[name] = append(upstream, before[name].Identity()), before[name].UUID()
	}
	if ctx.Err() != nil {
		e.Action = Skipped
		return e, &exit.InterruptedError{}
	}
	j, err := p.WithOutputs(ctx, j, uuids)
	if err != nil {
		return e, interrupted(ctx, err)
	}
	if j.Matrix == "expand" {
		return p.expanded(ctx, j, upstream, e)
	}
	s, err := p.submission(ctx, j, upstream)
	if err != nil {
		return e, err
	}
	err = p.submitAndFollow(ctx, j, s, &e)
	err = errors.Join(err, p.download(ctx, j.Name, &e))
	return e, err
}
