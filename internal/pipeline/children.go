package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// childPoll is the interval at which the runs of a pipeline are listed.
	childPoll = time.Second
	// childGrace is how long the runs below a pipeline are followed after it has ended.
	childGrace = time.Minute
	// maxChildren is how many runs below another one are followed at most, at any depth.
	maxChildren = 10_000
)

// hasChildren reports whether a run has runs below it that do the work.
func hasChildren(r *polyaxon.Run) bool {
	switch r.Kind {
	case "matrix", "dag", "schedule":
		return true
	}
	return false
}

// followChildren follows the runs that the server creates below a run of kind matrix, dag or
// schedule. It reports their statuses and lines under the job's name and their own. It does
// not report how they end: that is part of how their parent ends. The caller must call end
// when the parent has ended. end returns when everything has been reported, or after another
// minute if runs go on. Cancelling ctx ends it at once.
func (p *Pipeline) followChildren(ctx context.Context, j *config.Job, of string) (end func()) {
	return p.followBelow(ctx, j, of, &followed{uuids: map[string]bool{of: true}})
}

// followBelow is followChildren for a run that may itself be below another one.
func (p *Pipeline) followBelow(ctx context.Context, j *config.Job, of string, seen *followed) (end func()) {
	ctx, leave := context.WithCancel(ctx)
	asking, stop := context.WithCancel(ctx)
	f := &childRuns{Pipeline: p, job: j, seen: seen, slots: make(chan struct{}, jobLimit)}
	var group panics.WaitGroup
	group.Go(func() {
		for {
			f.poll(ctx, of)
			if p.Pause(asking, childPoll) != nil {
				return
			}
		}
	})
	return func() {
		defer leave()
		stop()
		group.Wait()
		f.poll(ctx, of)
		waiting, ended := context.WithCancel(ctx)
		group.Go(func() {
			if p.Pause(waiting, childGrace) == nil {
				p.Event(report.Warning, "run", j.Name, fmt.Sprintf("its child runs are still running %s after its end, and are no longer followed", childGrace))
				leave()
			}
		})
		f.group.Wait()
		ended()
		group.Wait()
	}
}

// childRuns is the set of runs below one run.
type childRuns struct {
	*Pipeline
	job   *config.Job
	slots chan struct{}
	seen  *followed
	group panics.WaitGroup
}

// followed are the runs that are followed below a run, at any depth. A server that names a run below
// itself does not make it followed without end.
type followed struct {
	mu    sync.Mutex
	uuids map[string]bool
}

// add reports whether a run is a new one, and one of the first maxChildren.
func (f *followed) add(uuid string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uuids[uuid] || len(f.uuids) > maxChildren {
		return false
	}
	f.uuids[uuid] = true
	return true
}

// poll starts to follow runs that were not seen before. It ignores errors, because it is
// called again.
func (f *childRuns) poll(ctx context.Context, of string) {
	for offset := 0; offset < maxChildren; {
		page, count, err := f.Polyaxon.Runs(ctx, f.Config.Project, polyaxon.Query{Query: "pipeline:" + of, Sort: "created_at", Limit: 100, Offset: offset})
		if err != nil || len(page) == 0 {
			return
		}
		for i := range page {
			if child := &page[i]; f.seen.add(child.UUID) {
				f.group.Go(func() { f.follow(ctx, child) })
			}
		}
		if offset += len(page); offset >= count {
			return
		}
	}
}

// follow reports one of the runs, and the runs below it.
func (f *childRuns) follow(ctx context.Context, child *polyaxon.Run) {
	one := *f.job
	one.Name = f.job.Name + "/" + childName(f.job.Name, child)
	if hasChildren(child) {
		defer f.followBelow(ctx, &one, child.UUID, f.seen)()
	}
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	sink := &sink{Env: f.Env, job: one.Name, uuid: child.UUID, child: true, pending: &pendingWatch{cancel: func(error) {}}}
	f.Report(report.Event{Kind: report.Detail, Step: "run", Subject: one.Name, Run: child.UUID, Message: "run " + child.UUID})
	if _, err := run.Follow(ctx, f.Polyaxon, f.RunTarget(child), f.FollowOptions(run.FollowOptions{Logs: !hasChildren(child)}), sink); err != nil && ctx.Err() == nil {
		f.Report(report.Event{Kind: report.Warning, Step: "run", Subject: one.Name, Run: child.UUID, Message: fmt.Sprintf("its lines may be missing: %v", err)})
	}
}

// childName returns the name of a run below its parent. In a dag this is the run's name. In
// a matrix all runs have the name of the matrix, so it is the beginning of the UUID.
func childName(job string, r *polyaxon.Run) string {
	if r.Name != "" && r.Name != job && !strings.HasPrefix(r.Name, job+"-") {
		return r.Name
	}
	return r.UUID[:min(8, len(r.UUID))]
}
