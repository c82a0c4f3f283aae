package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// checkPipelines refuses, before anything is built, what the server would refuse
// afterwards: a matrix, a dag or a schedule on the community edition of 1.11.3 and
// on the sandbox; and a matrix that is to be expanded and cannot be.
func (p *project) checkPipelines(ctx context.Context, to *platform, jobs []*config.Job) error {
	var errs []error
	for _, j := range jobs {
		operation, err := p.operation(ctx, j, unbuiltImage)
		if err != nil {
			return err
		}
		if j.Matrix == "expand" {
			suggestions, _, err := operation.Expand()
			if err == nil && suggestions == nil {
				err = errors.New(shown(j.Polyaxonfile) + " has no matrix")
			}
			errs = append(errs, located(p.config.At(section(j), j.Name, "matrix"), err))
			continue
		}
		compiled, err := polyaxonfile.Compile(operation.JSON(), polyaxonfile.Newest())
		if err != nil || compiled.Schedule() == "" {
			continue // what does not compile was told by checkJobs, as far as it is an error
		}
		refusing, err := to.refusesPipelines(ctx)
		if err != nil {
			return err
		}
		if refusing != "" {
			errs = append(errs, p.noPipelines(ctx, j, compiled.Schedule(), refusing))
		}
	}
	return errors.Join(errs...)
}

// refusesPipelines names the server when it takes no matrix, dag or schedule.
func (to *platform) refusesPipelines(ctx context.Context) (string, error) {
	if to.embedded {
		return "the sandbox", nil
	}
	installation, err := to.polyaxon.Installation(ctx)
	if err != nil {
		return "", err
	}
	if installation.Version.Major == 1 && installation.Dist == "ce" {
		return "the community edition of Polyaxon " + installation.Version.String(), nil
	}
	return "", nil
}

func (p *project) noPipelines(ctx context.Context, j *config.Job, kind, server string) error {
	e := source.Errorf(p.config.At(section(j), j.Name), "%s takes no %s", server, kind)
	e.Hint = "Polyaxon 2.x runs it; or submit its parts as jobs of slipway.yaml"
	if kind == "matrix" {
		e.Hint = "Polyaxon 2.x runs it; or set matrix: expand, and slipway submits its runs"
	}
	file, err := p.polyaxonfile(ctx, j)
	if err != nil {
		return e
	}
	for _, path := range [][]string{{kind}, {"component", kind}, {"run", "kind"}, {"component", "run", "kind"}} {
		if at := file.AtKey(path...); at != file.At() && at != file.At(path[:len(path)-1]...) {
			e.Position = at
			break
		}
	}
	return e
}

// expanded submits and follows the runs of a matrix in its server's place, as many
// at once as its concurrency says. The job succeeds when all of them do.
func (p *project) expanded(ctx context.Context, to *platform, j *config.Job, reference string, upstream []string, o JobOptions, reported report.Job) (report.Job, error) {
	operation, err := p.operation(ctx, j, reference)
	if err != nil {
		return reported, err
	}
	suggestions, concurrency, err := operation.Expand()
	if err != nil {
		return reported, located(p.config.At(section(j), j.Name, "matrix"), err)
	}
	if concurrency < 1 || concurrency > jobLimit {
		concurrency = jobLimit
	}
	runs, errs := make([]report.Job, len(suggestions)), make([]error, len(suggestions))
	slots := make(chan struct{}, concurrency)
	var group sync.WaitGroup
	for n, suggestion := range suggestions {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			one := *j
			one.Name = j.Name + "/" + strconv.Itoa(n+1)
			runs[n] = report.Job{Name: one.Name, Action: "skip"}
			if ctx.Err() != nil {
				errs[n] = &InterruptedError{}
				return
			}
			s := p.submissionOf(j, suggestion.Operation, reference, upstream, o)
			p.event(report.Detail, "submit", one.Name, paramsText(suggestion.Params))
			runs[n], errs[n] = p.submitAndFollow(ctx, to, &one, s, o, runs[n])
		})
	}
	group.Wait()
	return gathered(reported, runs), errors.Join(errs...)
}

// gathered makes one job of the runs of a matrix: it succeeded when all did, and
// failed when one did.
func gathered(reported report.Job, runs []report.Job) report.Job {
	count := map[string]int{}
	reported.Action = "up-to-date"
	for _, r := range runs {
		count[r.Status]++
		if reported.Runs = append(reported.Runs, r.Run); r.Action != "up-to-date" {
			reported.Action = r.Action
		}
	}
	for _, status := range []string{"succeeded", "skipped", "stopped", "upstream_failed", "failed"} {
		if count[status] > 0 {
			reported.Status = status
		}
	}
	if count["succeeded"] < len(runs) && reported.Status == "succeeded" {
		reported.Status = ""
	}
	reported.Message = fmt.Sprintf("%d of %d runs succeeded", count["succeeded"], len(runs))
	return reported
}

func paramsText(params map[string]any) string {
	var parts []string
	for _, name := range sorted(params) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, params[name]))
	}
	return strings.Join(parts, " ")
}

// identity names the run of a job, or the runs that its matrix was expanded into,
// for the deploy keys of those that come after it.
func identity(j report.Job) string {
	if len(j.Runs) == 0 {
		return j.UUID
	}
	var all []string
	for _, r := range j.Runs {
		all = append(all, r.UUID)
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// planExpanded tells what of an expanded matrix would be submitted.
func (p *project) planExpanded(ctx context.Context, to *platform, j *config.Job, operation *polyaxonfile.Operation, reference string, upstream []string, one report.Job) (report.Job, error) {
	suggestions, _, err := operation.Expand()
	if err != nil {
		return one, located(p.config.At(section(j), j.Name, "matrix"), err)
	}
	for _, suggestion := range suggestions {
		s := p.submissionOf(j, suggestion.Operation, reference, upstream, JobOptions{})
		found, err := run.Find(ctx, to.polyaxon, s)
		if err != nil && !polyaxon.IsNotFound(err) {
			return one, err
		}
		text := "+" + paramsText(suggestion.Params)
		if found != nil {
			one.Runs = append(one.Runs, reportRun(found))
			text = " " + paramsText(suggestion.Params) + ": run " + found.UUID + " " + string(found.Status)
		}
		one.Diff += text + "\n"
	}
	if len(one.Runs) == len(suggestions) {
		one.Action = "up-to-date"
	}
	return one, nil
}
