package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func platform(a *cli.App) *cobra.Command {
	return group("sandbox", "Look at, stop or reset the embedded platform",
		command(a, "status", "Tell whether the sandbox runs, and where", cobra.NoArgs, plainly(tasks.SandboxStatus)),
		command(a, "stop", "Stop the sandbox and the runs on it", cobra.NoArgs, plainly(tasks.SandboxStop)),
		command(a, "reset", "Stop the sandbox and delete all that it holds", cobra.NoArgs, plainly(tasks.SandboxReset)),
		serve(a),
	)
}

func serve(a *cli.App) *cobra.Command {
	var directory, release string
	var idle time.Duration
	c := &cobra.Command{
		Use: "serve", Short: "Run the sandbox in the foreground (other commands start it by themselves)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.Serve(c.Context(), directory, idle, release) },
	}
	c.Flags().StringVar(&directory, "state", "", "keep the state here (default .slipway/sandbox)")
	c.Flags().DurationVar(&idle, "idle", cli.DefaultIdle, "end when nobody has needed it for this long")
	c.Flags().StringVar(&release, "polyaxon", "", "be this release of Polyaxon: 1.11.3 or 2.18 (default 2.18)")
	return c
}

func schema(a *cli.App) *cobra.Command {
	return command(a, "schema", "Print the JSON schema of slipway.yaml", cobra.NoArgs, plainly(tasks.Schema))
}

func version(a *cli.App) *cobra.Command {
	return command(a, "version", "Print slipway's version", cobra.NoArgs, plainly(tasks.Version))
}
