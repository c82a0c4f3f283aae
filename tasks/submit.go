package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/project"
)

// SubmitOptions are the options of Submit.
type SubmitOptions struct {
	// Job is the name of the job.
	Job string `arg:"JOB" complete:"job"`
	// Rerun, Params and Expand are as in DeployOptions.
	Rerun  bool     `flag:"rerun" help:"submit again what succeeded, or runs, for the same inputs"`
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	Expand bool     `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
}

// Submit builds and pushes the image of one job, syncs the secrets, and submits the job
// without following it. It does not submit the job's upstream. The last succeeded runs of
// the upstream jobs are used instead.
func Submit(ctx context.Context, env *Env, o SubmitOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("submit")
	result.Names = []string{o.Job}
	j, ok := p.Config.Jobs[o.Job]
	if !ok {
		return result, project.UnknownName("job", o.Job, keys(p.Config.Jobs))
	}
	d, err := deploy.ReadWithoutUpstream(ctx, p, j, o.Params, o.Expand)
	if err != nil {
		return result, err
	}
	d.Runs = pipeline.Options{Rerun: o.Rerun, Detach: true}
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	if len(j.Require) > 0 {
		p.Note(fmt.Sprintf("%s requires %s: submit checks nothing, and slipway deploy %s does", j.Name, required(j), j.Name))
	}
	return result, d.Apply(ctx, result)
}

// required returns what a job requires of its metrics, in one line.
func required(j *config.Job) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(j.Require)) {
		all = append(all, name+" "+j.Require[name])
	}
	return strings.Join(all, ", ")
}
