package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/door"
)

// root gives the whole command line. Flags fill d before a command runs.
func root(d *door.Door) *cobra.Command {
	c := &cobra.Command{
		Use:   "slipway",
		Short: "Takes a machine learning repository from a commit to a finished run",
		Long: `slipway builds and pushes images, syncs secrets into the cluster, renders and
checks Polyaxonfiles, submits the jobs to Polyaxon, follows them, and exits with
what really happened. With no cloud configured it does so on an embedded sandbox.`,
		Version:       door.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetVersionTemplate("{{.Name}} {{.Version}}\n") // as the command version says it
	c.SetOut(d.Out())
	c.SetErr(d.Err())
	c.SetFlagErrorFunc(badFlag)
	flags := c.PersistentFlags()
	flags.StringVarP(&d.Dir, "dir", "C", d.Dir, "look for slipway.yaml in this directory")
	flags.StringVar(&d.Environment, "env", d.Environment, "lay this one of slipway.yaml's environments over the rest")
	flags.StringVarP(&d.Output, "output", "o", d.Output, "print results as text or json")
	flags.BoolVar(&d.Quiet, "quiet", d.Quiet, "print only results, warnings and errors")
	flags.BoolVar(&d.NoAttestations, "no-attestations", d.NoAttestations, "push images without SBOM and provenance")
	flags.BoolVar(&d.Verbose, "verbose", d.Verbose, "print details")
	c.AddCommand(
		deploy(d), plan(d), build(d), images(d), retag(d), secrets(d), check(d), render(d), component(d),
		submit(d), runs(d), status(d), logs(d), follow(d), stop(d), restart(d), resume(d), approve(d), artifacts(d),
		up(d), down(d), platform(d), schema(d), version(d), exitCodes(),
	)
	completeArguments(d, c)
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
func command(d *door.Door, use, short string, args cobra.PositionalArgs, task func(context.Context, *tasks.Env, []string) (*tasks.Result, error)) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: counted(args),
		RunE: func(c *cobra.Command, args []string) error {
			return d.Run(c.Context(), func(ctx context.Context, env *tasks.Env) (*tasks.Result, error) {
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
	c.Flags().StringVarP(&d.File, "file", shorthand, d.File, "use this file instead of slipway.yaml")
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
func plainly(task door.Task) func(context.Context, *tasks.Env, []string) (*tasks.Result, error) {
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
