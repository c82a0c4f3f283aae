package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
)

func build(d *door.Door) *cobra.Command {
	var o tasks.BuildOptions
	c := command(d, "build [IMAGE...]", "Build images and push them by digest", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, names []string) (*tasks.Result, error) {
			o.Images = names
			return tasks.Build(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Verify, "verify", false, "ask the registry for every layer of what it has, and send again what it has lost")
	return c
}

func retag(d *door.Door) *cobra.Command {
	var o tasks.RetagOptions
	c := command(d, "retag FROM TO", "Give all images of a commit another tag, without building", cobra.ExactArgs(2),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.From, o.To = args[0], args[1]
			return tasks.Retag(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Force, "force", false, "move a tag that stands for another image")
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

func secretsCommand(d *door.Door, name, short string, task func(context.Context, *tasks.Env, tasks.SecretsOptions) (*tasks.Result, error)) *cobra.Command {
	var o tasks.SecretsOptions
	c := command(d, name, short, cobra.NoArgs, func(ctx context.Context, env *tasks.Env, _ []string) (*tasks.Result, error) {
		return task(ctx, env, o)
	})
	c.Flags().BoolVar(&o.Prune, "prune", false, "delete secrets that slipway wrote and slipway.yaml names no more")
	return c
}
