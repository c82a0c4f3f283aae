package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
)

func build(d *door.Door) *cobra.Command {
	return command(d, "build [IMAGE...]", "Build images and push them by digest", cobra.ArbitraryArgs, tasks.Build)
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
