package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// expandedMatrix is a matrix that slipway expanded: its runs in order, and its conditions
// for early stopping.
type expandedMatrix struct {
	job         *config.Job
	expansion   *matrix.Expansion
	submissions []run.Submission
}

// expandMatrix expands the matrix of a job into the submissions of its runs.
func (p *Pipeline) expandMatrix(ctx context.Context, j *config.Job, operation *operation.Operation, upstream []string) (*expandedMatrix, error) {
	expansion, err := job.Expansion(ctx, p.Project, j, operation)
	if err != nil {
		return nil, err
	}
	s := &expandedMatrix{job: j, expansion: expansion}
	for _, suggestion := range expansion.Suggestions {
		before := upstream
		if suggestion.Repeat > 0 {
			before = append(slices.Clone(upstream), fmt.Sprintf("repeat %d", suggestion.Repeat))
		}
		s.submissions = append(s.submissions, p.Submission(j, suggestion.Operation, before))
	}
	return s, nil
}

// concurrency returns how many runs of the matrix may be active at once.
func (s *expandedMatrix) concurrency() int {
	if c := s.expansion.Concurrency; c > 0 {
		return min(c, jobLimit)
	}
	return jobLimit
}

// params returns the params of run n as text.
func (s *expandedMatrix) params(n int) string {
	params := s.expansion.Suggestions[n].Params
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, params[name]))
	}
	return strings.Join(parts, " ")
}

// existingRuns returns the existing runs for the submissions of a matrix, in order. An entry
// has no UUID if there is no run.
func (p *Pipeline) existingRuns(ctx context.Context, s *expandedMatrix) ([]JobResult, error) {
	found := make([]JobResult, len(s.submissions))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(jobLimit)
	for n, submission := range s.submissions {
		group.Go(func() error {
			found[n].Action = Skipped
			r, err := run.Find(ctx, p.Polyaxon, submission)
			if polyaxon.IsNotFound(err) || err == nil && r == nil {
				return nil
			}
			if err != nil {
				return err
			}
			found[n].Action = UpToDate
			found[n].setRun(r)
			if r.Status == polyaxon.Succeeded && s.watchesMetrics() {
				outcome, err := run.Summarize(ctx, p.Polyaxon, p.RunTarget(r), p.Pods())
				if err != nil {
					return err
				}
				found[n].setOutcome(outcome)
			}
			return nil
		})
	}
	return found, group.Wait()
}

// combine combines the runs of a matrix into the result of one job. The job succeeded if all
// runs did, or if one run was good enough. It failed if a run failed.
func (s *expandedMatrix) combine(e JobResult, all []JobResult, early *earlyStop) JobResult {
	status := map[polyaxon.Status]int{}
	for n := range all {
		status[all[n].Status]++
		e.Action = max(e.Action, all[n].Action)
		if all[n].UUID() != "" {
			r := all[n].Run()
			r.Number, r.Params = n+1, s.expansion.Suggestions[n].Params
			e.include(&all[n], r)
		}
	}
	for _, one := range []polyaxon.Status{polyaxon.Succeeded, polyaxon.Skipped, polyaxon.Stopped, polyaxon.UpstreamFailed, polyaxon.Failed} {
		if status[one] > 0 {
			e.Status = one
		}
	}
	if status[polyaxon.Succeeded] < len(all) && e.Status == polyaxon.Succeeded {
		e.Status = ""
	}
	e.Message = fmt.Sprintf("%d of %d runs succeeded", status[polyaxon.Succeeded], len(all))
	if early != nil {
		e.Message += "; " + early.Error()
		e.Status = polyaxon.Succeeded
		if early.Failed {
			e.Status = polyaxon.Failed
		}
	}
	e.rank(s.ranking())
	return e
}

// ranking returns the order of the runs by the metric that early stopping watches, and by those that the job
// requires, nil if there is none.
func (s *expandedMatrix) ranking() *report.Ranking {
	for _, e := range s.expansion.Stopping {
		if e.Metric != "" {
			return runs.Ranking(&report.Ranking{Metric: e.Metric, Lower: e.Minimize}, s.job)
		}
	}
	return runs.Ranking(nil, s.job)
}

// rank sorts the runs, best first.
func (e *JobResult) rank(by *report.Ranking) {
	j := report.Job{Runs: e.Runs}
	j.Rank(by)
	e.Runs, e.BestBy = j.Runs, j.BestBy
}
