package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
	"github.com/slipway-ci/slipway/tasks/report"
)

func build(d *door.Door) *cobra.Command {
	var o tasks.BuildOptions
	c := command(d, "build [IMAGE...]", "Build images and push them by digest", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, names []string) (*report.Result, error) {
			return tasks.Build(ctx, env, names, o)
		})
	c.Flags().BoolVar(&o.Verify, "verify", false, "ask the registry for every layer of what it has, and send again what it has lost")
	return c
}

func retag(d *door.Door) *cobra.Command {
	var force bool
	c := command(d, "retag FROM TO", "Give all images of a commit another tag, without building", cobra.ExactArgs(2),
		func(ctx context.Context, env *tasks.Env, args []string) (*report.Result, error) {
			return tasks.Retag(ctx, env, args[0], args[1], force)
		})
	c.Flags().BoolVar(&force, "force", false, "move a tag that stands for another image")
	return c
}

func images(d *door.Door) *cobra.Command {
	return command(d, "images", "List what the registry holds of this project", cobra.NoArgs, plainly(tasks.Images))
}

func secrets(d *door.Door) *cobra.Command {
	return group("secrets", "Compare or sync the secrets in the cluster",
		secretsCommand(d, "plan", "Show, masked, what sync would change", tasks.SecretsPlan),
		secretsCommand(d, "sync", "Write the secrets into the cluster by server-side apply", tasks.SecretsSync),
	)
}

func secretsCommand(d *door.Door, name, short string, task func(context.Context, *tasks.Env, bool) (*report.Result, error)) *cobra.Command {
	var prune bool
	c := command(d, name, short, cobra.NoArgs, func(ctx context.Context, env *tasks.Env, _ []string) (*report.Result, error) {
		return task(ctx, env, prune)
	})
	c.Flags().BoolVar(&prune, "prune", false, "delete secrets that slipway wrote and slipway.yaml names no more")
	return c
}
