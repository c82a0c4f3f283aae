package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/printer"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// completion returns the words that can stand next, each of them with a description
// behind a tab or without one.
type completion func(c *cobra.Command, args []string) []string

// complete has a shell offer what words returns for the arguments of c, each once and
// up to as many as there can be; most is 0 for any number. Without a word the shell
// offers nothing, rather than files.
func complete(c *cobra.Command, most int, words completion) {
	c.ValidArgsFunction = func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		var offered []string
		if most == 0 || len(args) < most {
			offered = words(c, args)
		}
		offered = slices.DeleteFunc(offered, func(word string) bool {
			name, _, _ := strings.Cut(word, "\t")
			return slices.Contains(args, name) || !strings.HasPrefix(name, prefix)
		})
		return offered, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeArguments gives each command that takes names its completion, by the word
// for its argument in its usage line.
func completeArguments(a *cli.App, root *cobra.Command) {
	named := func(pick func(tasks.Known) []string) completion {
		return func(*cobra.Command, []string) []string { return pick(tasks.Names(a.Env())) }
	}
	jobs := func(n tasks.Known) []string { return n.Jobs }
	either := func(n tasks.Known) []string { return append(n.Jobs, n.Services...) }
	shipped := func(*cobra.Command, []string) []string { return components.Names() }
	byUsage := map[string]completion{
		"deploy [JOB...]":     named(jobs),
		"plan [JOB...]":       named(jobs),
		"submit JOB":          named(jobs),
		"render JOB":          named(either),
		"build [IMAGE...]":    named(func(n tasks.Known) []string { return n.Images }),
		"up SERVICE":          named(func(n tasks.Known) []string { return n.Services }),
		"down SERVICE":        named(func(n tasks.Known) []string { return n.Services }),
		"show NAME":           shipped,
		"eject NAME [PATH]":   shipped,
		"artifacts RUN [DIR]": completeRun(a),
	}
	for _, c := range allCommands(root) {
		words, known := byUsage[c.Use]
		switch {
		case known && strings.Contains(c.Use, "..."):
			complete(c, 0, words)
		case known:
			complete(c, 1, words)
		case strings.HasSuffix(c.Use, " RUN"):
			complete(c, 1, completeRun(a))
		}
	}
	_ = root.RegisterFlagCompletionFunc("env", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return tasks.Names(a.Env()).Environments, cobra.ShellCompDirectiveNoFileComp
	})
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// completeRun offers the names of jobs and services and the ids of the newest runs.
func completeRun(a *cli.App) completion {
	return func(c *cobra.Command, _ []string) []string {
		names := tasks.Names(a.Env())
		words := append(names.Jobs, names.Services...)
		for _, r := range tasks.NewestRuns(c.Context(), a.Env()) {
			words = append(words, fmt.Sprintf("%.8s\t%s, %s", r.UUID, printer.Clean(r.RunName), r.Status))
		}
		return words
	}
}

// allCommands returns the commands below c.
func allCommands(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range c.Commands() {
		all = append(append(all, sub), allCommands(sub)...)
	}
	return all
}
