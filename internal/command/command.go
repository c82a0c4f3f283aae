// Package command has the table of slipway's commands. The command line, the mage
// targets, the list in docs/commands.md, the manual pages and shell completions are made
// from it.
package command

import "strings"

// Command is one row of the table.
type Command struct {
	// Name is what users type after slipway, such as "secrets plan".
	Name string
	// Group is the heading under which help lists the command.
	Group Group
	// Summary is one line of help. It begins with a verb in the imperative: "Build
	// images".
	Summary string
	// Help is a paragraph. It begins with a verb in the third person, as the doc comment
	// of a target does: "Builds images".
	Help string
	// Examples are complete command lines.
	Examples []string
	// Forms are the values that -o accepts besides text and json.
	Forms []string
	// Task is the task that the command runs. The zero Task is for a command that only
	// has subcommands, whose names begin with its own.
	Task Task
}

// Group is a heading in the list of commands.
type Group string

// The groups, in the order in which help lists them.
const (
	Deploys       Group = "Deploy"
	Images        Group = "Images"
	Secrets       Group = "Secrets"
	Polyaxonfiles Group = "Polyaxonfiles"
	Runs          Group = "Runs"
	Services      Group = "Services"
	Data          Group = "Data"
	Cluster       Group = "Cluster"
	Sandbox       Group = "Sandbox"
	Itself        Group = "slipway itself"
)

// groups returns all groups in order.
func groups() []Group {
	return []Group{Deploys, Images, Secrets, Polyaxonfiles, Runs, Services, Data, Cluster, Sandbox, Itself}
}

// Table returns all commands. A command precedes its subcommands.
func Table() []Command {
	var all []Command
	for _, part := range [][]Command{
		deploys(), images(), secrets(), polyaxonfiles(), runs(), services(), data(), cluster(), sandbox(), itself(),
	} {
		all = append(all, part...)
	}
	return all
}

// Server returns the words of the command that serves the sandbox.
func Server(table []Command) []string { return words(table, func(t Task) bool { return t.serves }) }

// Plugin returns the words of the command that kubectl runs for credentials.
func Plugin(table []Command) []string { return words(table, func(t Task) bool { return t.plugin }) }

// words returns the words of the name of the first command whose task is accepted.
func words(table []Command, accept func(Task) bool) []string {
	for _, c := range table {
		if accept(c.Task) {
			return strings.Fields(c.Name)
		}
	}
	return nil
}

// parent returns the name of the parent command of c, or "" if c has none.
func (c *Command) parent() string {
	above, _ := cutLast(c.Name)
	return above
}

// word returns the last word of c's name.
func (c *Command) word() string {
	_, word := cutLast(c.Name)
	return word
}

// usage returns the name of c with its arguments.
func (c *Command) usage() string {
	words := []string{c.Name}
	for _, a := range c.Task.arguments {
		words = append(words, a.Word)
	}
	return strings.Join(words, " ")
}

// cutLast cuts a name at its last space. Without a space, word is the whole name.
func cutLast(name string) (above, word string) {
	n := strings.LastIndexByte(name, ' ')
	return name[:max(n, 0)], name[n+1:]
}
