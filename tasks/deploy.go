package tasks

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/project"
)

// DeployOptions say what is deployed, and how its runs are submitted and followed.
type DeployOptions struct {
	// Jobs are the names of those to run, with what they come after; all when there are
	// none.
	Jobs []string `arg:"[JOB...]" complete:"job"`
	// Rerun submits again what succeeded, or runs, for the same inputs.
	Rerun bool `flag:"rerun" help:"run again what succeeded, or runs, for the same inputs"`
	// FailPending, when it is not zero, is how long a run may wait before it is stopped
	// and the command ends with ExitPending.
	FailPending time.Duration `flag:"fail-pending" help:"stop a run that does not start within this time, and exit with 7"`
	// Params of the command line, each NAME=VALUE, for the jobs that Jobs names.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	// Expand has slipway make the runs of matrices itself, as matrix: expand does.
	Expand bool `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
	// Download, when it is not empty, is a directory into which the files of each run
	// are downloaded once it has ended, however it did: each into one of its own below
	// it when there are several.
	Download string `flag:"download" value:"DIR" help:"download the files of each run into DIR once it has ended, also when it failed"`
}

// Deploy takes the jobs of o.Jobs, and what they come after, from the source tree to finished runs:
// it checks their Polyaxonfiles, builds and pushes their images, syncs the secrets, submits the jobs
// in the order of `after`, follows them, and reports how each ended.
//
// Nothing is changed anywhere before everything that can be checked has been. Cancelling ctx stops
// the runs, or leaves them, by each job's on-cancel.
func Deploy(ctx context.Context, env *Env, o DeployOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("deploy")
	how := pipeline.Options{Rerun: o.Rerun, FailPending: o.FailPending, Download: o.Download}
	if err := how.Check(); err != nil {
		return result, err
	}
	d, err := deploy.Read(ctx, p, deploy.Wanted{Jobs: o.Jobs, Params: o.Params, Expand: o.Expand})
	if err != nil {
		return result, err
	}
	d.Runs = how
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	return result, d.Apply(ctx, result)
}

// PlanOptions says how to plan.
type PlanOptions struct {
	// Jobs are as in DeployOptions.
	Jobs []string `arg:"[JOB...]" complete:"job"`
	// ExitCode returns a *ChangesError when there are changes.
	ExitCode bool `flag:"exit-code" help:"exit with 10 when there are changes"`
	// Offline asks neither registry, cluster nor Polyaxon, and reads no secret: what only
	// they know is unknown.
	Offline bool `flag:"offline" help:"contact neither registry, cluster nor Polyaxon, and read no secret; what only they know is unknown"`
	// Params and Expand are as in DeployOptions.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	Expand bool     `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
}

// Plan reports what Deploy would do with the same options: images to push, secrets (masked), and each
// job's operation as a diff against its last run. It builds locally and asks, and changes nothing.
// What nobody tells is unknown, which counts as a change.
func Plan(ctx context.Context, env *Env, o PlanOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("plan")
	p.Offline = o.Offline
	d, err := deploy.Read(ctx, p, deploy.Wanted{Jobs: o.Jobs, Params: o.Params, Expand: o.Expand})
	if err != nil {
		return result, err
	}
	if err := d.Plan(ctx, result); err != nil {
		return result, err
	}
	if o.ExitCode && result.Changes > 0 {
		return result, &ChangesError{Count: result.Changes}
	}
	return result, nil
}

// SubmitOptions say what is submitted.
type SubmitOptions struct {
	// Job is its name.
	Job string `arg:"JOB" complete:"job"`
	// Rerun, Params and Expand are as in DeployOptions.
	Rerun  bool     `flag:"rerun" help:"submit again what succeeded, or runs, for the same inputs"`
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	Expand bool     `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
}

// Submit builds and pushes the image of one job, syncs the secrets, and submits the job without
// following it. What it comes after is not submitted: the last runs of those jobs count as its
// upstream.
func Submit(ctx context.Context, env *Env, o SubmitOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("submit")
	j, ok := p.Config.Jobs[o.Job]
	if !ok {
		return result, project.Unknown("job", o.Job, keys(p.Config.Jobs))
	}
	d, err := deploy.ReadAlone(ctx, p, j, o.Params, o.Expand)
	if err != nil {
		return result, err
	}
	d.Runs = pipeline.Options{Rerun: o.Rerun, Detach: true}
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	return result, d.Apply(ctx, result)
}
