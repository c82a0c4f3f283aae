package command

import (
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// columns is the width of paragraphs of help.
const columns = 80

// forms is the annotation of a cobra command that has the Forms of its row, separated by
// commas.
const forms = "forms"

// Cobra returns the root command of a table. Its shared flags set the fields of a before
// a command runs.
func Cobra(a *cli.App, table []Command) *cobra.Command {
	root := &cobra.Command{
		Use: "slipway", Short: Summary, Long: markdown.Wrap(About, columns), Version: cli.Version(),
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetOut(a.Out())
	root.SetErr(a.Err())
	root.RunE, root.Args = Hold, cobra.ArbitraryArgs
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: string(g), Title: string(g) + ":"})
	}
	shared := sharedFlags()
	for _, f := range shared {
		if !f.PerCommand {
			f.register(a, root, true, reflect.ValueOf(a).Elem())
		}
	}
	root.SetFlagErrorFunc(badFlag(append(names(shared, true), "version")))
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

// cobra returns the cobra command of a row, without subcommands.
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
	made.SetFlagErrorFunc(badFlag(append(names(c.shared(shared), false), names(c.Task.flags, false)...)))
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
