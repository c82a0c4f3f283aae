package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func deploy(a *cli.App) *cobra.Command {
	var o tasks.DeployOptions
	c := command(a, "deploy [JOB...]", "Build, push, sync secrets, submit, follow, report", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, jobs []string) (*tasks.Result, error) {
			o.Jobs = jobs
			return tasks.Deploy(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Rerun, "rerun", false, "run again what succeeded, or runs, for the same inputs")
	failPending(c, &o.FailPending)
	params(c, &o.Params)
	expand(c, &o.Expand)
	download(c, &o.Download)
	return c
}

func download(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "download", "", "download the files of each run into this directory once it has ended, also when it failed")
}

func expand(c *cobra.Command, into *bool) {
	c.Flags().BoolVar(into, "expand", false, "make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server")
}

func params(c *cobra.Command, into *[]string) {
	c.Flags().StringArrayVarP(into, "param", "P", nil, "give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml")
}

func failPending(c *cobra.Command, into *time.Duration) {
	c.Flags().DurationVar(into, "fail-pending", 0, "stop a run that does not start within this time, and exit with 7")
}

func plan(a *cli.App) *cobra.Command {
	var o tasks.PlanOptions
	c := command(a, "plan [JOB...]", "Show all that deploy would do, secrets masked; change nothing", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, jobs []string) (*tasks.Result, error) {
			o.Jobs = jobs
			return tasks.Plan(ctx, env, o)
		})
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "exit with 10 when there are changes")
	c.Flags().BoolVar(&o.Offline, "offline", false, "ask neither registry, cluster nor Polyaxon, and read no secret; what only they know is unknown")
	params(c, &o.Params)
	expand(c, &o.Expand)
	return c
}

func render(a *cli.App) *cobra.Command {
	var o tasks.RenderOptions
	c := command(a, "render JOB", "Print the operation of a job or a service as it will be sent", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Job = args[0]
			return tasks.Render(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Source, "source", false, "print your own file with the edits made; comments, order and quotes stay")
	c.Flags().BoolVar(&o.Compiled, "compiled", false, "print what Polyaxon compiles it to, before it makes the pod")
	c.Flags().BoolVar(&o.Pod, "pod", false, "print the pod that Polyaxon makes of it, without what Polyaxon adds for itself")
	c.Flags().StringVar(&o.Version, "polyaxon-version", "", "compile as this version of Polyaxon would")
	params(c, &o.Params)
	expand(c, &o.Expand)
	return c
}
