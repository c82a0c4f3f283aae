package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// root gives the whole command line. Flags fill d before a command runs.
func root(a *cli.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "slipway",
		Short: "Takes a machine learning repository from a commit to a finished run",
		Long: `slipway builds and pushes images, syncs secrets into the cluster, renders and
checks Polyaxonfiles, submits the jobs to Polyaxon, follows them, and exits with
what really happened. With no cloud configured it does so on an embedded sandbox.`,
		Version:       cli.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetVersionTemplate("{{.Name}} {{.Version}}\n") // as the command version says it
	c.SetOut(a.Out())
	c.SetErr(a.Err())
	c.SetFlagErrorFunc(badFlag)
	flags := c.PersistentFlags()
	flags.StringVarP(&a.Dir, "dir", "C", a.Dir, "look for slipway.yaml in this directory")
	flags.StringVar(&a.Environment, "env", a.Environment, "lay this one of slipway.yaml's environments over the rest")
	flags.StringVarP(&a.Output, "output", "o", a.Output, "print results as text or json")
	flags.BoolVar(&a.Quiet, "quiet", a.Quiet, "print only results, warnings and errors")
	flags.BoolVar(&a.NoAttestations, "no-attestations", a.NoAttestations, "push images without SBOM and provenance")
	flags.BoolVar(&a.Verbose, "verbose", a.Verbose, "print details")
	c.AddCommand(
		deploy(a), plan(a), build(a), images(a), retag(a), secrets(a), check(a), render(a), component(a),
		submit(a), runs(a), status(a), logs(a), follow(a), stop(a), restart(a), resume(a), approve(a), artifacts(a),
		up(a), down(a), platform(a), schema(a), version(a), exitCodes(),
	)
	completeArguments(a, c)
	refuseUnknown(c)
	return c
}

// refuseUnknown makes errors of a help topic and a shell that there are not: cobra
// prints its help for them and exits with 0.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error {
				topic, rest, err := root.Find(args)
				if err == nil && topic.HasSubCommands() && len(rest) > 0 {
					err = fmt.Errorf("unknown command %q for %q", rest[0], topic.CommandPath())
				}
				if err != nil {
					return err
				}
				topic.InitDefaultHelpFlag()
				return topic.Help()
			}
		case "completion":
			c.Args, c.RunE = nil, groupOf(c)
		}
	}
}

// command gives a command whose arguments and context go to task.
func command(a *cli.App, use, short string, args cobra.PositionalArgs, task func(context.Context, *tasks.Env, []string) (*tasks.Result, error)) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: counted(args),
		RunE: func(c *cobra.Command, args []string) error {
			return a.Run(c.Context(), func(ctx context.Context, env *tasks.Env) (*tasks.Result, error) {
				result, err := task(ctx, env, args)
				if result == nil {
					result = &tasks.Result{Command: c.Name()}
				}
				return result, err
			})
		},
	}
	shorthand := "f"
	if c.Name() == "logs" {
		shorthand = "" // there -f is --follow, as in every log reader
	}
	c.Flags().StringVarP(&a.File, "file", shorthand, a.File, "use this file instead of slipway.yaml")
	return c
}

// counted says in the command's own words which arguments it takes.
func counted(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		switch err := args(c, given); {
		case err == nil:
			return nil
		case len(given) == 0:
			return fmt.Errorf("an argument is missing: %s", usage(c))
		default:
			return fmt.Errorf("too many or too few arguments (%q): %s", given, usage(c))
		}
	}
}

// usage is how a command is written, without its flags.
func usage(c *cobra.Command) string { return strings.TrimSuffix(c.UseLine(), " [flags]") }

// badFlag says where the flags of a command are told, and keeps the names of Go's
// functions from users.
func badFlag(c *cobra.Command, err error) error {
	what, _, _ := strings.Cut(err.Error(), ": strconv.")
	return fmt.Errorf("%s (%s --help lists the flags)", what, c.CommandPath())
}

// plainly makes a task without arguments one for command.
func plainly(task cli.Task) func(context.Context, *tasks.Env, []string) (*tasks.Result, error) {
	return func(ctx context.Context, env *tasks.Env, _ []string) (*tasks.Result, error) { return task(ctx, env) }
}

// group gives a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.RunE = groupOf(c)
	c.AddCommand(commands...)
	return c
}

// groupOf returns what c does where it only holds other commands: it prints its help,
// or refuses a command that it does not hold.
func groupOf(c *cobra.Command) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		}
		return c.Help()
	}
}

// exitCodes is a help topic: it does nothing by itself.
func exitCodes() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: fmt.Sprintf("Exit codes:\n\n%s", tasks.ExitCodes)}
}
