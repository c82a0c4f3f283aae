package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/pipeline"
)

// DeployOptions are the options of Deploy.
type DeployOptions struct {
	// Jobs are the names of the jobs to run, together with their upstream. Empty means all jobs.
	Jobs []string `arg:"[JOB...]" complete:"job"`
	// Rerun submits a new run even if a run with the same inputs is active or has succeeded.
	Rerun bool `flag:"rerun" help:"run again what succeeded, or runs, for the same inputs"`
	// FailPending is how long a run may wait before it is stopped and the command ends with
	// ExitPending. Zero means no limit.
	FailPending time.Duration `flag:"fail-pending" help:"stop a run that does not start within this time, and exit with 7"`
	// Params are params for the jobs in Jobs, each NAME=VALUE.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	// Expand makes slipway expand matrices itself, like matrix: expand in slipway.yaml.
	Expand bool `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
	// Download is a directory to download the files of each run to when it has ended, even if it
	// failed. If there are several runs, each one gets its own subdirectory. Empty means no
	// download.
	Download string `flag:"download" value:"DIR" help:"download the files of each run into DIR once it has ended, also when it failed"`
	// ForceConflicts takes fields of secrets and manifests from other field managers, such as kubectl.
	// Without it, Deploy fails if one of these has set a field to another value.
	ForceConflicts bool `flag:"force-conflicts" help:"take over what another field manager, such as kubectl, has set in a secret or a manifest to another value"`
	// Restart restarts what runs and uses a secret whose value has changed: services of
	// slipway.yaml, and Deployments, StatefulSets and DaemonSets.
	Restart bool `flag:"restart" help:"restart the services, Deployments, StatefulSets and DaemonSets that use a secret whose value has changed"`
	// RolloutTimeout is how long to wait until the manifests are rolled out. Zero means
	// that Deploy does not wait.
	RolloutTimeout time.Duration `flag:"rollout-timeout" help:"wait this long until the manifests are rolled out, and exit with 1 otherwise; 0 does not wait" default:"10m"`
	// Rollback puts back what was if the manifests cannot be applied or are not rolled out.
	Rollback bool `flag:"rollback" help:"put back what was if the manifests cannot be applied, or are not rolled out in time"`
}

// Deploy takes the jobs in o.Jobs and their upstream from the source tree to finished runs.
// It checks their Polyaxonfiles, builds and pushes their images, syncs the secrets, submits
// the jobs in the order of `after`, follows them, and reports how each one ended. If o.Jobs is
// empty, it then applies the manifests and waits until they are rolled out, and starts the services
// that serve models, with the runs that made these.
//
// Deploy changes nothing before it has checked everything that can be checked. If ctx is
// cancelled, each run is stopped, or left running if its job's on-cancel says so.
func Deploy(ctx context.Context, env *Env, o DeployOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("deploy")
	result.Names = o.Jobs
	how := pipeline.Options{Rerun: o.Rerun, FailPending: o.FailPending, Download: o.Download}
	if err := errors.Join(how.Check(), checkRolloutTimeout(o.RolloutTimeout)); err != nil {
		return result, err
	}
	d, err := deploy.Read(ctx, p, deploy.Selection{Jobs: o.Jobs, Params: o.Params, Expand: o.Expand})
	if err != nil {
		return result, err
	}
	d.Runs, d.ForceConflicts, d.Restart, d.RolloutTimeout, d.Rollback = how, o.ForceConflicts, o.Restart, o.RolloutTimeout, o.Rollback
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	return result, d.Apply(ctx, result)
}

// PlanOptions are the options of Plan.
type PlanOptions struct {
	// Jobs are as in DeployOptions.
	Jobs []string `arg:"[JOB...]" complete:"job"`
	// ExitCode makes Plan return a *ChangesError if there are changes.
	ExitCode bool `flag:"exit-code" help:"exit with 10 when there are changes"`
	// Offline makes Plan contact neither registry, cluster nor Polyaxon, and read no secret.
	// What only they know is reported as unknown.
	Offline bool `flag:"offline" help:"contact neither registry, cluster nor Polyaxon, and read no secret; what only they know is unknown"`
	// Params and Expand are as in DeployOptions.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	Expand bool     `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
	// ForceConflicts is as in DeployOptions.
	ForceConflicts bool `flag:"force-conflicts" help:"plan to take over what another field manager, such as kubectl, has set in a secret or a manifest to another value"`
}

// Plan reports what Deploy would do with the same options: images to push, secrets (masked),
// each job's operation as a diff against its last run, the manifests as a diff against the
// cluster, and the models to serve. It builds images locally, but
// changes nothing elsewhere. What cannot be determined is reported as unknown, and counts as
// a change.
func Plan(ctx context.Context, env *Env, o PlanOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("plan")
	result.Names = o.Jobs
	p.Offline = o.Offline
	d, err := deploy.Read(ctx, p, deploy.Selection{Jobs: o.Jobs, Params: o.Params, Expand: o.Expand})
	if err != nil {
		return result, err
	}
	d.ForceConflicts = o.ForceConflicts
	if err := d.Plan(ctx, result); err != nil {
		return result, err
	}
	if o.ExitCode && result.Changes > 0 {
		return result, &ChangesError{Count: result.Changes}
	}
	return result, nil
}
