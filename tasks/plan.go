package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// PlanOptions says how to plan.
type PlanOptions struct {
	// Jobs are as in DeployOptions.
	Jobs []string
	// ExitCode returns a *ChangesError when there are changes.
	ExitCode bool
	// Params and Expand are as in DeployOptions.
	Params []string
	Expand bool
	// Offline asks neither registry, cluster nor Polyaxon, and reads no secret: what only
	// they know is unknown.
	Offline bool
}

// Plan shows what Deploy would do with the same options: images to push, secrets
// (masked), and each job's operation as a diff against its last run. It builds
// locally and asks, and changes nothing. What those who are asked do not tell is
// unknown, which counts as a change.
func Plan(ctx context.Context, env *Env, o PlanOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("plan")
	p.offline = o.Offline
	d, err := p.read(ctx, o.Jobs, o.Params, o.Expand)
	if err != nil {
		return result, err
	}
	d.to = p.platform()
	if err := p.refuseHalfClouds(d.uses()); err != nil {
		return result, err
	}
	images, references, err := p.planImages(ctx, d)
	result.Images = images
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	if result.Secrets, err = p.planBundles(ctx, d); err != nil {
		return result, interruptedOr(ctx, err)
	}
	if result.Jobs, err = p.planJobs(ctx, d, references); err != nil {
		return result, interruptedOr(ctx, err)
	}
	result.Namespace = d.to.creates
	result.Changes = countChanges(result)
	if o.ExitCode && result.Changes > 0 {
		return result, &ChangesError{Count: result.Changes}
	}
	return result, nil
}

// planImages builds locally and asks the registry what it lacks.
func (p *project) planImages(ctx context.Context, d *deployment) ([]report.Image, map[string]string, error) {
	reported := make([]report.Image, len(d.images))
	references := map[string]string{}
	for n, i := range d.images {
		reported[n] = report.Image{Name: i.Name, Action: unknownAction}
		references[i.Name] = unbuiltImage
	}
	if !p.asks(ctx, d.to, "the registry", uses{images: len(d.images) > 0}) {
		return reported, references, ctx.Err()
	}
	group, limited := panics.WithContext(ctx)
	group.SetLimit(buildLimit)
	for n, i := range d.images {
		group.Go(func() error {
			one, err := p.planImage(limited, d.to, i)
			if err != nil && limited.Err() == nil && cannotAsk(err) {
				p.event(report.Note, "image", i.Name, "image "+i.Name+" is unknown: "+err.Error())
				return nil
			}
			reported[n] = one
			return err
		})
	}
	err := group.Wait()
	for n, i := range d.images {
		if reported[n].Reference != "" {
			references[i.Name] = reported[n].Reference
		}
	}
	return reported, references, err
}

func (p *project) planImage(ctx context.Context, to *platform, i *config.Image) (report.Image, error) {
	one := report.Image{Name: i.Name, Action: unknownAction}
	p.tellForgetful(i.Name)
	planned, err := p.imageBuilder(to, i, p.notices(i.Name)).Plan(ctx)
	if err != nil {
		return one, err
	}
	one.Changed = planned.Changed
	if planned.Reference == (name.Digest{}) {
		one.Action, one.Reference = "build", unbuiltImage
		return one, nil
	}
	one.Action = "push"
	if planned.UpToDate {
		one.Action = "up-to-date"
	}
	one.Reference, one.Digest, one.Bytes, one.Layers = planned.Reference.String(), planned.Reference.DigestStr(), planned.Size, planned.Layers
	return one, nil
}

// planJobs says for each job whether it would be submitted, and how its
// operation differs from that of its last run.
func (p *project) planJobs(ctx context.Context, d *deployment, references map[string]string) ([]report.Job, error) {
	var reported []report.Job
	succeeded := map[string]string{}
	jobs := slices.Concat(d.waves...)
	asks := p.asks(ctx, d.to, "Polyaxon", uses{runs: len(jobs) > 0})
	if asks {
		if err := p.checkRuns(ctx, d.to, jobs); cannotAsk(err) {
			asks = p.unasked("Polyaxon", err)
		} else if err != nil {
			return nil, err
		}
	}
	for _, j := range jobs {
		unknown := report.Job{Name: j.Name, After: strings.Join(j.After, ", "), Action: unknownAction}
		if !asks || j.Image != "" && references[j.Image] == unbuiltImage && !p.buildsInPlan(j) {
			reported = append(reported, unknown)
			continue
		}
		one, err := p.planJob(ctx, d.to, j, references[j.Image], succeeded)
		if ctx.Err() == nil && cannotAsk(err) {
			asks = p.unasked("Polyaxon", err)
			reported = append(reported, unknown)
			continue
		}
		if err != nil {
			return reported, fmt.Errorf("plan job %s: %w", j.Name, err)
		}
		reported = append(reported, one)
	}
	return reported, nil
}

func (p *project) planJob(ctx context.Context, to *platform, j *config.Job, reference string, succeeded map[string]string) (report.Job, error) {
	one := report.Job{Name: j.Name, After: strings.Join(j.After, ", "), Action: "submit"}
	var upstream []string
	for _, name := range j.After {
		if succeeded[name] == "" {
			one.Diff = "after " + name + " has run\n"
			return one, nil
		}
		upstream = append(upstream, succeeded[name])
	}
	j, err := p.resolved(ctx, to, j, succeeded)
	if err != nil {
		return one, err
	}
	operation, err := p.operation(ctx, j, reference)
	if err != nil {
		return one, err
	}
	if j.Matrix == "expand" {
		one, err = p.planExpanded(ctx, to, j, operation, reference, upstream, one)
		if one.Action == "up-to-date" && !slices.ContainsFunc(one.Runs, func(r report.Run) bool { return r.Status != string(polyaxon.Succeeded) }) {
			succeeded[j.Name] = identity(one)
		}
		return one, err
	}
	found, err := run.Find(ctx, to.polyaxon, p.submissionOf(j, operation, reference, upstream, jobOptions{}))
	if err != nil && !polyaxon.IsNotFound(err) {
		return one, err
	}
	switch {
	case found != nil && found.Status == polyaxon.Succeeded:
		one.Action, one.Run = "up-to-date", reportRun(found)
		succeeded[j.Name] = found.UUID
		return one, nil
	case found != nil:
		one.Action, one.Run = "attach", reportRun(found)
		return one, nil
	}
	last, err := p.lastRun(ctx, to, j.Name, "")
	if err != nil {
		return one, err
	}
	before := ""
	if last != nil {
		before = operationText(last.RawContent)
	}
	one.Diff = string(diff.Diff("last run", []byte(before), "deploy", []byte(render(fill.Unlabelled(operation)))))
	if one.Diff == "" {
		one.Diff = "the same operation again: its image, its upstream or its last run's end differs\n"
	}
	return one, nil
}

// lastRun gives the newest run that a job became, nil when there is none.
func (p *project) lastRun(ctx context.Context, to *platform, job string, status polyaxon.Status) (*polyaxon.Run, error) {
	query := "name:" + job
	if status != "" {
		query += ",status:" + string(status)
	}
	runs, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: 1})
	if polyaxon.IsNotFound(err) || (err == nil && len(runs) == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return to.polyaxon.Run(ctx, p.config.Project, runs[0].UUID)
}

// operationText gives an operation that a server kept in the form that render
// prints, so that both can be compared line by line.
func operationText(content string) string {
	operation, err := operation.Parse([]byte(content))
	if err != nil {
		return content
	}
	return render(fill.Unlabelled(operation))
}

// SubmitOptions say what is submitted.
type SubmitOptions struct {
	// Job is its name.
	Job string
	// Rerun, Params and Expand are as in DeployOptions.
	Rerun  bool
	Params []string
	Expand bool
}

// Submit builds and pushes the image of one job, syncs the secrets, and submits
// the job without following it. What it comes after is not submitted: the last
// runs of those jobs count as its upstream.
func Submit(ctx context.Context, env *Env, o SubmitOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("submit")
	j, ok := p.config.Jobs[o.Job]
	if !ok {
		return result, unknown("job", o.Job, sorted(p.config.Jobs))
	}
	d, err := p.prepareOnly(ctx, j, o.Params, o.Expand)
	if err != nil {
		return result, err
	}
	result.Jobs, err = p.deployOne(ctx, d, j, result, jobOptions{Rerun: o.Rerun, Detach: true})
	return result, err
}

// prepareOnly is prepare for one job without what it comes after.
func (p *project) prepareOnly(ctx context.Context, j *config.Job, params []string, expand bool) (*deployment, error) {
	jobs := []*config.Job{j}
	d := &deployment{waves: [][]*config.Job{jobs}, images: p.imagesOf(jobs)}
	if err := p.check(ctx, d, params, []string{j.Name}, expand); err != nil {
		return nil, err
	}
	return d, p.connectAll(ctx, d)
}

// deployOne takes one prepared job, or service, up to its submission, and to its
// end unless o says to detach.
func (p *project) deployOne(ctx context.Context, d *deployment, j *config.Job, result *report.Result, o jobOptions) ([]report.Job, error) {
	pushed, err := p.push(ctx, d.to, d.images)
	for _, name := range sorted(pushed) {
		result.Images = append(result.Images, reportImage(pushed[name]))
	}
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	changes, err := p.syncSecrets(ctx, d.to, d.bundles, false)
	result.Secrets = reportSecrets(changes)
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	if err := d.to.polyaxon.EnsureProject(ctx, p.config.Project); err != nil {
		return nil, interruptedOr(ctx, fmt.Errorf("create project %s: %w", p.config.Project, err))
	}
	done := map[string]report.Job{}
	for _, name := range j.After {
		last, err := p.lastRun(ctx, d.to, name, polyaxon.Succeeded)
		if err != nil {
			return nil, err
		}
		if last == nil {
			return nil, errors.New("job " + j.Name + " comes after " + name + ", which has not succeeded yet; deploy runs both")
		}
		done[name] = report.Job{Name: name, Run: reportRun(last)}
	}
	one, err := p.job(ctx, d.to, j, pushed, done, o)
	return []report.Job{one}, err
}
