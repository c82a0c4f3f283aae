package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func build(a *cli.App) *cobra.Command {
	var o tasks.BuildOptions
	c := command(a, "build [IMAGE...]", "Build images and push them by digest", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, names []string) (*tasks.Result, error) {
			o.Images = names
			return tasks.Build(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Verify, "verify", false, "ask the registry for every layer of what it has, and send again what it has lost")
	return c
}

func retag(a *cli.App) *cobra.Command {
	var o tasks.RetagOptions
	c := command(a, "retag FROM TO", "Give all images of a commit another tag, without building", cobra.ExactArgs(2),
		func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
			o.From, o.To = args[0], args[1]
			return tasks.Retag(ctx, env, o)
		})
	c.Flags().BoolVar(&o.Force, "force", false, "move a tag that stands for another image")
	return c
}

func images(a *cli.App) *cobra.Command {
	return command(a, "images", "List what the registry holds of this project", cobra.NoArgs, plainly(tasks.Images))
}

func secrets(a *cli.App) *cobra.Command {
	return group("secrets", "Compare or sync the secrets in the cluster",
		secretsCommand(a, "plan", "Show, masked, what sync would change", tasks.SecretsPlan),
		secretsCommand(a, "sync", "Write the secrets into the cluster by server-side apply", tasks.SecretsSync),
	)
}

func secretsCommand(a *cli.App, name, short string, task func(context.Context, *tasks.Env, tasks.SecretsOptions) (*tasks.Result, error)) *cobra.Command {
	var o tasks.SecretsOptions
	c := command(a, name, short, cobra.NoArgs, func(ctx context.Context, env *tasks.Env, _ []string) (*tasks.Result, error) {
		return task(ctx, env, o)
	})
	c.Flags().BoolVar(&o.Prune, "prune", false, "delete secrets that slipway wrote and slipway.yaml names no more")
	return c
}
