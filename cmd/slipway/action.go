package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// action returns the command that action.yml runs. It runs the command that the inputs of the
// action name. The runner's shell does not split the inputs into words, because text of a
// workflow must not become part of a script.
func action(a *cli.App, table []command.Command) *cobra.Command {
	return &cobra.Command{
		Use: "action", Short: "Run the command that the inputs of the GitHub Action name", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			in, err := actions.ReadInputs(os.LookupEnv)
			if err == nil && in.Arguments[0] == c.Name() {
				err = &actions.InputError{Input: "target", Message: "a command is expected, such as deploy"}
			}
			if err != nil {
				return err
			}
			for _, variable := range in.Environment {
				name, value, _ := strings.Cut(variable, "=")
				if err := os.Setenv(name, value); err != nil {
					return fmt.Errorf("set %s: %w", name, err)
				}
			}
			real := root(a, table, c.OutOrStdout())
			real.SetArgs(in.Arguments)
			return real.ExecuteContext(c.Context())
		},
	}
}
