package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/source"
)

// Hold is the action of a command that only has subcommands. It prints help, or returns
// an error for an unknown subcommand.
func Hold(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Unknown(c, args[0])
	}
	return c.Help()
}

// Unknown returns the error for a word that is not a subcommand of c. It suggests the
// subcommand that was probably meant.
func Unknown(c *cobra.Command, word string) error {
	var known []string
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			known = append(known, sub.Name())
		}
	}
	meant := "slipway --help lists the commands"
	if c.HasParent() {
		meant = c.CommandPath() + " --help lists its commands"
	}
	if slices.Contains(known, word) {
		meant = "leave out the -- before it"
	} else if near, ok := source.Nearest(word, known); ok {
		meant = "did you mean " + near + "?"
	}
	return fmt.Errorf("unknown command %q for %q (%s)", word, c.CommandPath(), meant)
}

// badFlag returns a function that completes the error of a flag. It suggests one of the
// known flags for an unknown flag, says how to list the flags, and removes the names of
// Go functions.
func badFlag(known []string) func(*cobra.Command, error) error {
	known = append(known, "help")
	return func(c *cobra.Command, err error) error {
		what, meant := err.Error(), ""
		var number *strconv.NumError
		if errors.As(err, &number) {
			what = strings.TrimSuffix(what, ": "+number.Error())
		}
		var unknown interface {
			error
			GetSpecifiedName() string
			GetSpecifiedShortnames() string
		}
		if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
			name := unknown.GetSpecifiedName()
			if near, ok := source.Nearest(name, known); ok && near != name { // a known flag lacks its value
				meant = "did you mean --" + near + "? "
			}
		}
		return fmt.Errorf("%s (%s%s --help lists the flags)", what, meant, c.CommandPath())
	}
}

// names returns the names of flags. With root it leaves out flags that each command has
// for itself.
func names(flags []flag, root bool) []string {
	var all []string
	for _, f := range flags {
		if !root || !f.PerCommand {
			all = append(all, f.Name)
		}
	}
	return all
}
