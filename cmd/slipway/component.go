package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func component(a *cli.App) *cobra.Command {
	return group("component", "The Polyaxon components that ship",
		command(a, "list", "Tell the components that ship", cobra.NoArgs, plainly(tasks.ComponentList)),
		command(a, "show NAME", "Print a component", cobra.ExactArgs(1),
			func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
				return tasks.ComponentShow(ctx, env, tasks.ComponentShowOptions{Name: args[0]})
			}),
		command(a, "eject NAME [PATH]", "Write a component to polyaxon/NAME.yml, to be changed; never overwrites", cobra.RangeArgs(1, 2),
			func(ctx context.Context, env *tasks.Env, args []string) (*tasks.Result, error) {
				o := tasks.ComponentEjectOptions{Name: args[0]}
				if len(args) == 2 {
					o.Path = args[1]
				}
				return tasks.ComponentEject(ctx, env, o)
			}),
	)
}
