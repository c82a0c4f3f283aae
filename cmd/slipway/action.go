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
			if err != nil {
				return err
			}
			if err := setEnvironment(in.Environment); err != nil {
				return err
			}
			real := typed(a, table, c.OutOrStdout()) // not root: an input that names this command would never end
			real.SetArgs(in.Arguments)
			return real.ExecuteContext(c.Context())
		},
	}
}

// setEnvironment sets variables of this process, each NAME=VALUE, and removes the inputs: programs
// that slipway starts, such as the helpers of registries, must not get the token among them.
func setEnvironment(variables []string) error {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, actions.InputPrefix) {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
		}
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}
