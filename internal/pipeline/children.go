package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// childPoll is the time between two questions for the runs of a pipeline.
	childPoll = time.Second
	// childGrace is how long the runs below a pipeline are followed when it has ended.
	childGrace = time.Minute
	// maxChildren bounds how many runs of a pipeline are followed.
	maxChildren = 10_000
)

// parent tells whether a run has others below it, which do the work.
func parent(r *polyaxon.Run) bool {
	switch r.Kind {
	case "matrix", "dag", "schedule":
		return true
	}
	return false
}

// children follows the runs below a run of kind matrix, dag or schedule, which the
// server makes: their statuses and lines are told under the job's name and theirs.
// How they end is their parent's business. The function that it gives ends it,
// when all that there were have been told, or go on for a minute more. Cancelling ctx
// ends it at once.
func (p *Pipeline) children(ctx context.Context, j *config.Job, of string) (end func()) {
	ctx, leave := context.WithCancel(ctx)
	asking, stop := context.WithCancel(ctx)
	f := &family{Pipeline: p, job: j, seen: map[string]bool{}, slots: make(chan struct{}, jobLimit)}
	var group panics.WaitGroup
	group.Go(func() {
		for {
			f.look(ctx, of)
			if p.Pause(asking, childPoll) != nil {
				return
			}
		}
	})
	return func() {
		defer leave()
		stop()
		group.Wait()
		f.look(ctx, of)
		waiting, told := context.WithCancel(ctx)
		group.Go(func() {
			if p.Pause(waiting, childGrace) == nil {
				p.Event(report.Warning, "run", j.Name, fmt.Sprintf("runs below it go on %s after its end, and are followed no more", childGrace))
				leave()
			}
		})
		f.group.Wait()
		told()
		group.Wait()
	}
}

// family are the runs below one.
type family struct {
	*Pipeline
	job   *config.Job
	slots chan struct{}
	seen  map[string]bool
	group panics.WaitGroup
}

// look follows the runs that were not seen before. What cannot be asked now is
// asked again.
func (f *family) look(ctx context.Context, of string) {
	for offset := 0; offset < maxChildren; {
		page, count, err := f.Polyaxon.Runs(ctx, f.Config.Project, polyaxon.Query{Query: "pipeline:" + of, Sort: "created_at", Limit: 100, Offset: offset})
		if err != nil || len(page) == 0 {
			return
		}
		for i := range page {
			if child := &page[i]; !f.seen[child.UUID] {
				f.seen[child.UUID] = true
				f.group.Go(func() { f.follow(ctx, child) })
			}
		}
		if offset += len(page); offset >= count {
			return
		}
	}
}

// follow tells one of the runs, with the runs below it.
func (f *family) follow(ctx context.Context, child *polyaxon.Run) {
	one := *f.job
	one.Name = f.job.Name + "/" + childName(f.job.Name, child)
	if parent(child) {
		defer f.children(ctx, &one, child.UUID)()
	}
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	sink := &sink{Env: f.Env, job: one.Name, below: true, pending: &pendingWatch{cancel: func(error) {}}}
	f.Event(report.Detail, "run", one.Name, "run "+child.UUID)
	if _, err := run.Follow(ctx, f.Polyaxon, f.RunTarget(child), f.Following(run.FollowOptions{Logs: !parent(child)}), sink); err != nil && ctx.Err() == nil {
		f.Event(report.Warning, "run", one.Name, fmt.Sprintf("its lines may be missing: %v", err))
	}
}

// childName is what a run is called below its parent: by its name in a dag, and by
// the beginning of its UUID in a matrix, whose runs have the name of it all.
func childName(job string, r *polyaxon.Run) string {
	if r.Name != "" && r.Name != job && !strings.HasPrefix(r.Name, job+"-") {
		return r.Name
	}
	return r.UUID[:min(8, len(r.UUID))]
}
