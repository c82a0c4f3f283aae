// Package command is the table of slipway's commands. The command line, the targets for
// mage, the list in docs/commands.md, the manual pages and the completions of shells are
// made from it.
package command

import "strings"

// Command is one row of the table.
type Command struct {
	// Name is what users type after slipway, such as "secrets plan".
	Name string
	// Group is the heading below which help lists the command.
	Group Group
	// Summary is one line of help, and begins with a verb: "Build images".
	Summary string
	// Help is a paragraph. It begins with a verb in the third person, as the doc comment
	// of a target does: "Builds images".
	Help string
	// Examples are command lines.
	Examples []string
	// Forms are what -o may be besides text and json.
	Forms []string
	// Task is what the command calls. A command without one only holds others, those
	// whose names begin with its own.
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
	Sandbox       Group = "Sandbox"
	Itself        Group = "slipway itself"
)

// groups returns all groups in order.
func groups() []Group {
	return []Group{Deploys, Images, Secrets, Polyaxonfiles, Runs, Services, Sandbox, Itself}
}

// Table returns all commands. A command that holds others stands before them.
func Table() []Command {
	var all []Command
	for _, part := range [][]Command{
		deploys(), images(), secrets(), polyaxonfiles(), runs(), services(), sandbox(), itself(),
	} {
		all = append(all, part...)
	}
	return all
}

// Server returns the words that start the sandbox's own process: the name of the command
// that serves it.
func Server(table []Command) []string {
	for _, c := range table {
		if c.Task.serves {
			return strings.Fields(c.Name)
		}
	}
	return nil
}

// parent returns the name of the command that holds c, "" if none does.
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

// cutLast cuts a name at its last space. If there is none, the word is all of it.
func cutLast(name string) (above, word string) {
	n := strings.LastIndexByte(name, ' ')
	return name[:max(n, 0)], name[n+1:]
}
