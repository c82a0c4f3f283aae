// Package mage has slipway's targets for mage. One line brings all of them into the
// magefile of any repository:
//
//	//mage:import
//	_ "github.com/slipway-ci/slipway/tasks/mage"
//
// Options that all targets share are environment variables: SLIPWAY_DIR, SLIPWAY_FILE,
// SLIPWAY_ENV, SLIPWAY_OUTPUT, SLIPWAY_QUIET, SLIPWAY_VERBOSE and
// SLIPWAY_NO_ATTESTATIONS. A target ends the program with slipway's exit codes.
package mage

import (
	"context"
	"strings"
	"time"

	"github.com/magefile/mage/mg"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

type (
	// Secrets has the targets for the secrets in the cluster.
	Secrets mg.Namespace
	// Component has the targets for the Polyaxon components that ship.
	Component mg.Namespace
	// Sandbox has the targets for the embedded platform.
	Sandbox mg.Namespace
)

type result = *tasks.Result

// Deploy builds, pushes, syncs secrets, submits the jobs (all, or -jobs=a,b), follows them and reports. -rerun runs again what succeeded for the same inputs; -params=A=1,B=2 wins over slipway.yaml; -expand makes the runs of matrices here; -download=DIR brings what the runs wrote.
func Deploy(ctx context.Context, jobs *string, rerun *bool, failPending *time.Duration, params *string, expand *bool, download *string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Deploy(ctx, env, tasks.DeployOptions{
			Jobs: list(jobs), Rerun: value(rerun), FailPending: value(failPending), Params: assignments(params), Expand: value(expand), Download: value(download),
		})
	})
}

// Plan shows all that deploy would do, secrets masked, and changes nothing. -exitCode exits with 10 when there are changes; -offline asks nobody; -expand is as for deploy.
func Plan(ctx context.Context, jobs *string, exitCode, offline *bool, params *string, expand *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Plan(ctx, env, tasks.PlanOptions{Jobs: list(jobs), ExitCode: value(exitCode), Offline: value(offline), Params: assignments(params), Expand: value(expand)})
	})
}

// Build builds and pushes the images (all, or -images=a,b). -verify asks the registry for every layer of what it has.
func Build(ctx context.Context, images *string, verify *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Build(ctx, env, tasks.BuildOptions{Images: list(images), Verify: value(verify)})
	})
}

// Retag gives all images of a commit another tag, without building. -force moves one that stands for another image.
func Retag(ctx context.Context, from, to string, force *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Retag(ctx, env, tasks.RetagOptions{From: from, To: to, Force: value(force)})
	})
}

// Images lists what the registry holds of the project's images.
func Images(ctx context.Context) error { return cli.Open().Run(ctx, tasks.Images) }

// Plan shows, masked, what secrets:sync would change in the cluster.
func (Secrets) Plan(ctx context.Context, prune *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.SecretsPlan(ctx, env, tasks.SecretsOptions{Prune: value(prune)})
	})
}

// Sync writes the secrets into the cluster. -prune deletes those that slipway wrote and slipway.yaml names no more.
func (Secrets) Sync(ctx context.Context, prune *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.SecretsSync(ctx, env, tasks.SecretsOptions{Prune: value(prune)})
	})
}

// Check checks the Polyaxonfiles of all jobs and services, or -files=a.yml,dir. -strict makes errors of warnings; -fix shows what mends findings, -write writes it.
func Check(ctx context.Context, files, polyaxonVersion *string, strict, fix, write *bool) error {
	return cli.Open().Offers("sarif").Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Check(ctx, env, tasks.CheckOptions{
			Files: list(files), Version: value(polyaxonVersion), Strict: value(strict), Fix: value(fix), Write: value(write),
		})
	})
}

// Render prints the operation of a job or a service as it will be sent. -source prints your own file with the edits made, -compiled what Polyaxon compiles it to, -pod the pod that it makes; -expand all runs of its matrix.
func Render(ctx context.Context, job string, source, compiled, pod *bool, polyaxonVersion, params *string, expand *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Render(ctx, env, tasks.RenderOptions{
			Job: job, Source: value(source), Compiled: value(compiled), Pod: value(pod), Version: value(polyaxonVersion), Params: assignments(params), Expand: value(expand),
		})
	})
}

// Submit submits one job and does not wait for it.
func Submit(ctx context.Context, job string, rerun *bool, params *string, expand *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Submit(ctx, env, tasks.SubmitOptions{Job: job, Rerun: value(rerun), Params: assignments(params), Expand: value(expand)})
	})
}

// Runs lists the project's newest runs (20, or -limit=N), and its services that go on. -services lists nothing else; -query=status:running chooses.
func Runs(ctx context.Context, limit *int, services *bool, query *string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Runs(ctx, env, tasks.RunsOptions{Limit: value(limit), Services: value(services), Query: value(query)})
	})
}

// Status tells all about one run. Of a job's runs it is the newest, or with -lastSucceeded the newest that succeeded.
func Status(ctx context.Context, run string, lastSucceeded *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Status(ctx, env, tasks.StatusOptions{Run: run, LastSucceeded: value(lastSucceeded)})
	})
}

// Logs prints a run's lines. -follow goes on until the run has ended.
func Logs(ctx context.Context, run string, follow, allContainers, lastSucceeded *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Logs(ctx, env, tasks.LogsOptions{
			Run: run, LastSucceeded: value(lastSucceeded), Follow: value(follow), AllContainers: value(allContainers),
		})
	})
}

// Follow watches a run to its end and exits with it. -download=DIR brings what it wrote.
func Follow(ctx context.Context, run string, failPending *time.Duration, download *string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Follow(ctx, env, tasks.FollowOptions{Run: run, FailPending: value(failPending), Download: value(download)})
	})
}

// Stop stops a run.
func Stop(ctx context.Context, run string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Stop(ctx, env, tasks.RunOptions{Run: run})
	})
}

// Restart makes a new run of a run's operation.
func Restart(ctx context.Context, run string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Restart(ctx, env, tasks.RunOptions{Run: run})
	})
}

// Resume runs a run that has ended again, under its id.
func Resume(ctx context.Context, run string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Resume(ctx, env, tasks.RunOptions{Run: run})
	})
}

// Approve lets a run go on that waits for approval.
func Approve(ctx context.Context, run string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Approve(ctx, env, tasks.RunOptions{Run: run})
	})
}

// Artifacts lists a run's files, or downloads them into -dir=DIR.
func Artifacts(ctx context.Context, run string, dir *string, lastSucceeded *bool) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Artifacts(ctx, env, tasks.ArtifactsOptions{Run: run, Dir: value(dir), LastSucceeded: value(lastSucceeded)})
	})
}

// Up starts a service, waits until it answers, and prints its address. -port=N leads a port of this machine to it; -keep leaves its runs with other inputs.
func Up(ctx context.Context, service string, params *string, keep *bool, port *int, wait *time.Duration) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Up(ctx, env, tasks.UpOptions{Service: service, Params: assignments(params), Keep: value(keep), Port: value(port), Wait: value(wait)})
	})
}

// Down stops a service.
func Down(ctx context.Context, service string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.Down(ctx, env, tasks.DownOptions{Service: service})
	})
}

// List tells the components that ship.
func (Component) List(ctx context.Context) error { return cli.Open().Run(ctx, tasks.ComponentList) }

// Show prints a component.
func (Component) Show(ctx context.Context, name string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.ComponentShow(ctx, env, tasks.ComponentShowOptions{Name: name})
	})
}

// Eject writes a component to polyaxon/NAME.yml, or to -path=PATH, and never overwrites.
func (Component) Eject(ctx context.Context, name string, path *string) error {
	return cli.Open().Run(ctx, func(ctx context.Context, env *tasks.Env) (result, error) {
		return tasks.ComponentEject(ctx, env, tasks.ComponentEjectOptions{Name: name, Path: value(path)})
	})
}

// Status tells whether the sandbox runs, and where.
func (Sandbox) Status(ctx context.Context) error { return cli.Open().Run(ctx, tasks.SandboxStatus) }

// Stop stops the sandbox and the runs on it.
func (Sandbox) Stop(ctx context.Context) error { return cli.Open().Run(ctx, tasks.SandboxStop) }

// Reset stops the sandbox and deletes all that it holds.
func (Sandbox) Reset(ctx context.Context) error { return cli.Open().Run(ctx, tasks.SandboxReset) }

// Serve runs the sandbox in the foreground. Other commands start it by themselves.
func (Sandbox) Serve(ctx context.Context, dir *string, idle *time.Duration, polyaxon *string) error {
	return cli.Open().Serve(ctx, value(dir), value(idle), value(polyaxon))
}

// Schema prints the JSON schema of slipway.yaml.
func Schema(ctx context.Context) error { return cli.Open().Run(ctx, tasks.Schema) }

// Version prints slipway's version.
func Version(ctx context.Context) error { return cli.Open().Run(ctx, tasks.Version) }

// list splits a,b; nothing gives none.
func list(names *string) []string {
	return strings.FieldsFunc(value(names), func(r rune) bool { return r == ',' })
}

// assignments splits A=1,B=[2,3]: at commas that a name and = follow.
func assignments(text *string) []string {
	var all []string
	for _, part := range list(text) {
		if name, _, ok := strings.Cut(part, "="); (!ok || strings.ContainsAny(name, " []{}\"':")) && len(all) > 0 {
			all[len(all)-1] += "," + part
			continue
		}
		all = append(all, part)
	}
	return all
}

// value gives what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
