package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

func check(a *cli.App) *cobra.Command {
	var o tasks.CheckOptions
	c := command(a, "check [FILE...]", "Check Polyaxonfiles: these, all in these directories, or those of all jobs and services", cobra.ArbitraryArgs,
		func(ctx context.Context, env *tasks.Env, files []string) (*tasks.Result, error) {
			o.Files = files
			return tasks.Check(ctx, env, o)
		})
	c.Long = `Checks Polyaxonfiles as the server of each version of Polyaxon would, and for what
no server tells. With no FILE and no slipway.yaml it looks through the whole
directory. docs/lints.md explains each finding; "# slipway:ignore NAME" silences it.
Exits with 2 when there are errors, with 0 when there are only warnings.
-o sarif prints what code scanning reads.`
	c.PreRun = func(*cobra.Command, []string) { a.Offers("sarif") }
	flags := c.Flags()
	flags.StringVar(&o.Version, "polyaxon-version", "", "check as this version of Polyaxon would (1.11.3 to 2.18), or several: 1.11.3,2.18")
	flags.BoolVar(&o.Fix, "fix", false, "show, as a diff, what mends the findings that can be mended safely")
	flags.BoolVar(&o.Write, "write", false, "with --fix: write it into the files")
	flags.BoolVar(&o.Strict, "strict", false, "make errors of warnings")
	return c
}
