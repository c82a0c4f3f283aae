package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// root returns the whole command line, with the command that action.yml runs. It prints help,
// completion scripts and the version to out.
func root(a *cli.App, table []command.Command, out io.Writer) *cobra.Command {
	c := typed(a, table, out)
	c.AddCommand(action(a, table))
	return c
}

// typed returns the commands that people type: those of the table, and those that only the
// binary has.
func typed(a *cli.App, table []command.Command, out io.Writer) *cobra.Command {
	c := command.Cobra(a, table)
	c.SetOut(out)
	c.SetHelpCommandGroupID(string(command.Itself))
	c.SetCompletionCommandGroupID(string(command.Itself))
	c.AddCommand(exitCodes())
	c.InitDefaultHelpCmd()
	c.InitDefaultCompletionCmd()
	refuseUnknown(c)
	return c
}

// exitCodes returns a help topic. It has no action.
func exitCodes() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean", GroupID: string(command.Itself),
		Long: fmt.Sprintf("Exit codes:\n\n%s", tasks.ExitCodes),
	}
}

// refuseUnknown makes unknown help topics and shells errors. By default, cobra prints its
// help for them and exits with 0.
func refuseUnknown(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error { return help(root, args) }
			c.ValidArgsFunction = offerTopics(root, c.ValidArgsFunction)
		case "completion":
			c.Args, c.RunE = nil, command.Hold
		}
	}
}

// offerTopics returns a completion that offers help topics besides the words of commands.
// cobra offers only commands that do something.
func offerTopics(root *cobra.Command, commands cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		words, directive := commands(c, args, prefix)
		for _, topic := range root.Commands() {
			if len(args) == 0 && topic.IsAdditionalHelpTopicCommand() && strings.HasPrefix(topic.Name(), prefix) {
				words = append(words, cobra.CompletionWithDesc(topic.Name(), topic.Short))
			}
		}
		return words, directive
	}
}

// help prints the help of a command.
func help(root *cobra.Command, args []string) error {
	topic, rest, err := root.Find(args)
	if err == nil && topic.HasSubCommands() && len(rest) > 0 {
		err = command.Unknown(topic, rest[0])
	}
	if err != nil {
		return err
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}
