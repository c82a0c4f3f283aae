package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/printer"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// offered has a function for each kind of name. It returns the words that a shell offers.
// A word may be followed by a tab and a description.
var offered = map[string]func(ctx context.Context, a *cli.App) []string{
	"component":   func(context.Context, *cli.App) []string { return components.Names() },
	"environment": func(_ context.Context, a *cli.App) []string { return tasks.Names(a.Env()).Environments },
	"image":       func(_ context.Context, a *cli.App) []string { return tasks.Names(a.Env()).Images },
	"job":         func(_ context.Context, a *cli.App) []string { return tasks.Names(a.Env()).Jobs },
	"service":     func(_ context.Context, a *cli.App) []string { return tasks.Names(a.Env()).Services },
	"run":         runWords,
}

// runWords returns the names of jobs and services, and the ids of the newest runs.
func runWords(ctx context.Context, a *cli.App) []string {
	names := tasks.Names(a.Env())
	words := append(names.Jobs, names.Services...)
	for _, r := range tasks.NewestRuns(ctx, a.Env()) {
		words = append(words, fmt.Sprintf("%.8s\t%s, %s", r.UUID, printer.EscapeLine(r.RunName), r.Status))
	}
	return words
}

// words returns the completion of a field. It is nil if the shell offers files.
func (f *field) words(a *cli.App) cobra.CompletionFunc {
	if len(f.Complete)+len(f.OneOf) == 0 {
		return nil
	}
	return func(c *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		words := slices.Clone(f.OneOf)
		if dots := slices.Index(words, "..."); dots >= 0 {
			words = slices.Replace(words, dots, dots+1, list(c.Annotations[forms])...)
		}
		for _, kind := range f.Complete {
			if of := offered[kind]; of != nil {
				words = append(words, of(c.Context(), a)...)
			}
		}
		words = slices.DeleteFunc(words, func(word string) bool {
			name, _, _ := strings.Cut(word, "\t")
			return !strings.HasPrefix(name, prefix)
		})
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeArguments returns the completion of the arguments of c, which offers each word
// once. It is nil if the shell offers files.
func (c *Command) completeArguments(a *cli.App) cobra.CompletionFunc {
	arguments := c.Task.arguments
	if !slices.ContainsFunc(arguments, func(argument argument) bool { return argument.words(a) != nil }) {
		return nil
	}
	return func(made *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		n := len(args)
		if last := len(arguments) - 1; n > last && arguments[last].variadic() {
			n = last
		}
		if n < len(arguments) {
			if words := arguments[n].words(a); words != nil {
				all, directive := words(made, args, prefix)
				return slices.DeleteFunc(all, func(word string) bool {
					name, _, _ := strings.Cut(word, "\t")
					return slices.Contains(args, name)
				}), directive
			}
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
