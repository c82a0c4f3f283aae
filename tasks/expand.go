package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// expandMatrices has slipway make the runs of the matrices of jobs, as matrix: expand
// does for one. It is an error when none of them has a matrix.
func (p *project) expandMatrices(ctx context.Context, jobs []*config.Job) error {
	found := false
	for _, j := range jobs {
		file, err := p.polyaxonfile(ctx, j)
		if err != nil {
			return err
		}
		if matrix.InFile(file) {
			found = true
			if err := p.config.Expand(j); err != nil {
				return err
			}
		}
	}
	if !found {
		return usagef("there is nothing to expand: none of these jobs has a matrix")
	}
	return nil
}

// expansion gives the runs of a job's matrix. What is wrong with it is told at its
// line.
func (p *project) expansion(ctx context.Context, j *config.Job, operation *operation.Operation) (*matrix.Expansion, error) {
	expansion, err := matrix.Expand(operation)
	if err == nil && expansion == nil {
		err = errors.New(j.Polyaxonfile + j.Component + " has no matrix")
	}
	wrong := new(matrix.Error)
	if !errors.As(err, &wrong) {
		return expansion, located(p.config.At(section(j), j.Name, "matrix"), err)
	}
	e := source.Errorf(p.config.At(section(j), j.Name), "%s", wrong.Message)
	if file, err := p.polyaxonfile(ctx, j); err == nil {
		for _, path := range [][]string{{"matrix"}, {"component", "matrix"}} {
			if at := file.At(append(path, wrong.Path...)...); at != file.At(path[:len(path)-1]...) {
				e.Position = at
				break
			}
		}
	}
	return nil, e
}

// search is a matrix that slipway expanded: its runs, in their order, and when the
// rest of them is not wanted any more.
type search struct {
	expansion   *matrix.Expansion
	submissions []run.Submission
}

func (p *project) search(ctx context.Context, j *config.Job, operation *operation.Operation, reference string, upstream []string, o jobOptions) (*search, error) {
	expansion, err := p.expansion(ctx, j, operation)
	if err != nil {
		return nil, err
	}
	s := &search{expansion: expansion}
	for _, suggestion := range expansion.Suggestions {
		before := upstream
		if suggestion.Repeat > 0 {
			before = append(slices.Clone(upstream), fmt.Sprintf("repeat %d", suggestion.Repeat))
		}
		s.submissions = append(s.submissions, p.submissionOf(j, suggestion.Operation, reference, before, o))
	}
	return s, nil
}

// concurrency is how many of its runs go on at once.
func (s *search) concurrency() int {
	if c := s.expansion.Concurrency; c > 0 {
		return min(c, jobLimit)
	}
	return jobLimit
}

// expanded submits and follows the runs of a matrix in its server's place, in their
// order, as many at once as its concurrency says. The job succeeds when all of them
// do, or when one has reached what stops the others early.
func (p *project) expanded(ctx context.Context, to *platform, j *config.Job, reference string, upstream []string, o jobOptions, reported report.Job) (report.Job, error) {
	operation, err := p.operation(ctx, j, reference)
	if err != nil {
		return reported, err
	}
	s, err := p.search(ctx, j, operation, reference, upstream, o)
	if err != nil {
		return reported, err
	}
	if !o.Rerun && s.watchesMetrics() {
		found, err := p.found(ctx, to, s)
		if err != nil {
			return reported, interruptedOr(ctx, err)
		}
		if enough := s.reachedBefore(found); enough != nil {
			p.event(report.Done, "submit", j.Name, "up to date: "+enough.Why)
			var errs []error
			for n := range found {
				errs = append(errs, p.bring(ctx, to, j.Name+"/"+strconv.Itoa(n+1), o, &found[n].Run))
			}
			return s.table(gathered(reported, s.numbered(found), enough)), errors.Join(errs...)
		}
	}
	going, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	runs, errs := make([]report.Job, len(s.submissions)), make([]error, len(s.submissions))
	downloads := make([]error, len(s.submissions))
	slots := make(chan struct{}, s.concurrency())
	verdict := &earlyVerdict{search: s, stop: stop}
	var group panics.WaitGroup
	for n, submission := range s.submissions {
		one := *j
		one.Name = j.Name + "/" + strconv.Itoa(n+1)
		runs[n] = report.Job{Name: one.Name, Action: "skip"}
		slots <- struct{}{}
		if ctx.Err() != nil {
			errs[n] = &InterruptedError{}
		}
		if going.Err() != nil {
			<-slots
			continue
		}
		group.Go(func() {
			defer func() { <-slots }()
			p.event(report.Detail, "submit", one.Name, paramsText(s.expansion.Suggestions[n].Params))
			runs[n], errs[n] = p.submitAndFollow(going, to, &one, submission, o, runs[n])
			verdict.saw(runs[n])
			downloads[n] = p.bring(ctx, to, one.Name, o, &runs[n].Run)
		})
	}
	group.Wait()
	enough := verdict.enough
	if enough != nil {
		p.event(report.Note, "run", j.Name, enough.Error())
		for n, err := range errs {
			if enough.excuses(err) {
				errs[n] = nil
			}
			if errors.Is(err, enough) && runs[n].UUID != "" {
				runs[n].Status = p.statusNow(ctx, to, runs[n].UUID)
			}
		}
	}
	return s.table(gathered(reported, s.numbered(runs), enough)), errors.Join(append(errs, downloads...)...)
}

// numbered gives runs their places in the matrix, and what they were given.
func (s *search) numbered(runs []report.Job) []report.Job {
	for n := range runs {
		runs[n].Number, runs[n].Params = n+1, s.expansion.Suggestions[n].Params
	}
	return runs
}

// table puts the best run first: by the metric that early stopping watches, if any.
func (s *search) table(j report.Job) report.Job {
	var by *report.Ranking
	for _, e := range s.expansion.Stopping {
		if e.Metric != "" {
			by = &report.Ranking{Metric: e.Metric, Lower: e.Minimize}
			break
		}
	}
	j.Rank(by)
	return j
}

// statusNow gives the status of a run that was stopped a moment ago; it may have
// ended before.
func (p *project) statusNow(ctx context.Context, to *platform, uuid string) string {
	if r, err := to.polyaxon.Run(ctx, p.config.Project, uuid); err == nil && r.Status.Terminal() {
		return string(r.Status)
	}
	return string(polyaxon.Stopped)
}

// gathered makes one job of the runs of a matrix: it succeeded when all did, or when
// one of them was enough, and failed when one did.
func gathered(reported report.Job, runs []report.Job, enough *enoughError) report.Job {
	status, action := map[string]int{}, map[string]bool{}
	for _, r := range runs {
		status[r.Status]++
		action[r.Action] = true
		if r.UUID != "" {
			reported.Runs = append(reported.Runs, r.Run)
		}
	}
	for _, one := range []string{"skip", "up-to-date", "attached", "submitted"} {
		if action[one] {
			reported.Action = one
		}
	}
	for _, one := range []string{"succeeded", "skipped", "stopped", "upstream_failed", "failed"} {
		if status[one] > 0 {
			reported.Status = one
		}
	}
	if status["succeeded"] < len(runs) && reported.Status == "succeeded" {
		reported.Status = ""
	}
	reported.Message = fmt.Sprintf("%d of %d runs succeeded", status["succeeded"], len(runs))
	if enough != nil {
		reported.Message += "; " + enough.Error()
		reported.Status = "succeeded"
		if enough.Failed {
			reported.Status = "failed"
		}
	}
	return reported
}

func paramsText(params map[string]any) string {
	var parts []string
	for _, name := range sorted(params) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, params[name]))
	}
	return strings.Join(parts, " ")
}

// identity names the run of a job, or those of its matrix that succeeded where slipway
// made them, for the deploy keys of those that come after it.
func identity(j report.Job) string {
	if j.UUID != "" || len(j.Runs) == 0 {
		return j.UUID
	}
	var all []string
	for _, r := range j.Runs {
		if r.Status == "succeeded" {
			all = append(all, r.UUID)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// planExpanded tells what of an expanded matrix would be submitted.
func (p *project) planExpanded(ctx context.Context, to *platform, j *config.Job, operation *operation.Operation, reference string, upstream []string, one report.Job) (report.Job, error) {
	s, err := p.search(ctx, j, operation, reference, upstream, jobOptions{})
	if err != nil {
		return one, err
	}
	found, err := p.found(ctx, to, s)
	if err != nil {
		return one, err
	}
	reached := s.reachedBefore(found)
	missing, goOn := 0, 0
	for n, r := range found {
		text := paramsText(s.expansion.Suggestions[n].Params)
		switch {
		case r.UUID != "":
			one.Runs = append(one.Runs, r.Run)
			one.Diff += " " + text + ": run " + r.UUID + " " + r.Status + "\n"
			if r.Status != "succeeded" {
				goOn++
			}
		case reached != nil:
			one.Diff += " " + text + ": not wanted\n"
		default:
			missing++
			one.Diff += "+" + text + "\n"
		}
	}
	one.Action = "up-to-date"
	switch {
	case missing > 0:
		one.Action = "submit"
	case goOn > 0 && reached == nil:
		one.Action = "attach"
	}
	one.Message = fmt.Sprintf("%d of %d runs, %d at once", missing, len(found), s.concurrency())
	if reached != nil {
		one.Message = reached.Why
	}
	return one, nil
}
