package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func submit(a *cli.App) *cobra.Command {
	var o tasks.SubmitOptions
	c := command(a, "submit JOB", "Build, push and submit one job without waiting for it", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Job = args[0]
			return tasks.Submit(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Rerun, "rerun", false, "submit again what succeeded, or runs, for the same inputs")
	params(c, &o.Params)
	expand(c, &o.Expand)
	return c
}

func runs(a *cli.App) *cobra.Command {
	var o tasks.RunsOptions
	c := command(a, "runs", "List the project's newest runs, and its services that go on", cobra.NoArgs,
		func(ctx context.Context, env *tasks.Env, _ []string) (*tasks.Result, error) {
			return tasks.Runs(ctx, env, o)
		})
	c.Flags().IntVar(&o.Limit, "limit", tasks.DefaultRuns, "list this many")
	c.Flags().BoolVar(&o.Services, "services", false, "list the services that go on, and nothing else")
	c.Flags().StringVar(&o.Query, "query", "", "list the runs that this finds, in Polyaxon's words: status:running|queued,name:train")
	return c
}

func status(a *cli.App) *cobra.Command {
	var o tasks.StatusOptions
	c := command(a, "status RUN", "Tell a run's history, metrics and outputs", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Run = args[0]
			return tasks.Status(ctx, env, o)
		})
	lastSucceeded(c, &o.LastSucceeded)
	return c
}

func lastSucceeded(c *cobra.Command, into *bool) {
	c.Flags().BoolVar(into, "last-succeeded", false, "of a job's runs take the newest that succeeded")
}

func logs(a *cli.App) *cobra.Command {
	var o tasks.LogsOptions
	c := command(a, "logs RUN", "Print a run's lines", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Run = args[0]
			return tasks.Logs(ctx, env, o)
		})
	c.Flags().BoolVarP(&o.Follow, "follow", "f", false, "go on until the run has ended")
	c.Flags().BoolVar(&o.AllContainers, "all-containers", false, "print the lines of init and sidecar containers too")
	lastSucceeded(c, &o.LastSucceeded)
	return c
}

func follow(a *cli.App) *cobra.Command {
	var o tasks.FollowOptions
	c := command(a, "follow RUN", "Watch a run to its end and exit with it", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Run = args[0]
			return tasks.Follow(ctx, env, o)
		})
	failPending(c, &o.FailPending)
	download(c, &o.Download)
	return c
}

func stop(a *cli.App) *cobra.Command {
	return command(a, "stop RUN", "Stop a run", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			return tasks.Stop(ctx, env, tasks.RunOptions{Run: args[0]})
		})
}

func restart(a *cli.App) *cobra.Command {
	return command(a, "restart RUN", "Make a new run of a run's operation", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			return tasks.Restart(ctx, env, tasks.RunOptions{Run: args[0]})
		})
}

func resume(a *cli.App) *cobra.Command {
	return command(a, "resume RUN", "Run a run that has ended again, under its id", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			return tasks.Resume(ctx, env, tasks.RunOptions{Run: args[0]})
		})
}

func approve(a *cli.App) *cobra.Command {
	return command(a, "approve RUN", "Let a run go on that waits for approval", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			return tasks.Approve(ctx, env, tasks.RunOptions{Run: args[0]})
		})
}

func artifacts(a *cli.App) *cobra.Command {
	var o tasks.ArtifactsOptions
	c := command(a, "artifacts RUN [DIR]", "List a run's files, or download them into DIR", cobra.RangeArgs(1, 2),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			if o.Run = args[0]; len(args) == 2 {
				o.Dir = args[1]
			}
			return tasks.Artifacts(ctx, env, o)
		})
	lastSucceeded(c, &o.LastSucceeded)
	return c
}

func up(a *cli.App) *cobra.Command {
	var o tasks.UpOptions
	c := command(a, "up SERVICE", "Start a service, wait until it answers, and print its address", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.Service = args[0]
			return tasks.Up(ctx, env, o)
		})
	params(c, &o.Params)
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave runs of the service with other inputs as they are")
	c.Flags().IntVar(&o.Port, "port", 0, "lead this port of this machine to the service, until interrupted")
	c.Flags().DurationVar(&o.Wait, "wait", tasks.DefaultWait, "give up when the service does not answer for so long")
	return c
}

func down(a *cli.App) *cobra.Command {
	return command(a, "down SERVICE", "Stop a service and wait until it has ended", cobra.ExactArgs(1),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			return tasks.Down(ctx, env, tasks.DownOptions{Service: args[0]})
		})
}
