package command

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// columns is how wide paragraphs of help are.
const columns = 80

// forms is the annotation of a cobra command that has the Forms of its row, with commas
// between them.
const forms = "forms"

// Cobra returns the command line of a table. Its shared flags fill a before a command
// runs.
func Cobra(a *cli.App, table []Command) *cobra.Command {
	root := &cobra.Command{
		Use: "slipway", Short: Summary, Long: markdown.Wrap(About, columns), Version: cli.Version(),
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetOut(a.Out())
	root.SetErr(a.Err())
	root.SetFlagErrorFunc(badFlag)
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: string(g), Title: string(g) + ":"})
	}
	shared := sharedFlags()
	for _, f := range shared {
		if !f.PerCommand {
			f.register(a, root, true, reflect.ValueOf(a).Elem())
		}
	}
	built := map[string]*cobra.Command{"": root}
	for _, row := range table {
		c := row.cobra(a, shared)
		if row.parent() == "" {
			c.GroupID = string(row.Group)
		}
		built[row.parent()].AddCommand(c)
		built[row.Name] = c
	}
	return root
}

// cobra returns the cobra command of a row, without those that it holds.
func (c *Command) cobra(a *cli.App, shared []flag) *cobra.Command {
	made := &cobra.Command{
		Use: strings.TrimPrefix(c.usage(), c.parent()+" "), Short: c.Summary, Long: markdown.Wrap(c.Help, columns),
		Example: "  " + strings.Join(c.Examples, "\n  "), Annotations: map[string]string{forms: strings.Join(c.Forms, ",")},
	}
	if c.Task.run == nil {
		made.Example, made.RunE = "", Hold
		return made
	}
	var options reflect.Value
	if c.Task.options != nil {
		options = reflect.New(c.Task.options)
		for _, f := range c.Task.flags {
			f.register(a, made, false, options.Elem())
		}
	}
	for _, f := range c.shared(shared) {
		if f.PerCommand {
			f.register(a, made, false, reflect.ValueOf(a).Elem())
		}
	}
	made.Args = c.checkArguments
	made.ValidArgsFunction = c.completeArguments(a)
	made.RunE = func(made *cobra.Command, args []string) error {
		a.Named(c.Name).Offers(c.Forms...)
		if c.Task.options == nil {
			return c.Task.run(made.Context(), a, nil)
		}
		c.setArguments(options.Elem(), args)
		return c.Task.run(made.Context(), a, options.Interface())
	}
	return made
}

// Hold is what a command does that only holds others: it prints its help, or refuses a
// command that it does not hold.
func Hold(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
	}
	return c.Help()
}

// badFlag says where the flags of a command are listed, and keeps the names of Go's
// functions from users.
func badFlag(c *cobra.Command, err error) error {
	what, _, _ := strings.Cut(err.Error(), ": strconv.")
	return fmt.Errorf("%s (%s --help lists the flags)", what, c.CommandPath())
}
