package command

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// checkArguments returns an error with the command's usage if the number of arguments is
// wrong, or if one is empty, as that of an unset variable of a shell is.
func (c *Command) checkArguments(_ *cobra.Command, given []string) error {
	least, most := 0, len(c.Task.arguments)
	for _, a := range c.Task.arguments {
		if !a.optional() {
			least++
		}
		if a.variadic() {
			most = len(given)
		}
	}
	switch {
	case len(given) < least:
		return fmt.Errorf("an argument is missing: slipway %s", c.usage())
	case len(given) > most:
		return fmt.Errorf("too many arguments (%s): slipway %s", quoted(given), c.usage())
	case slices.Contains(given, ""):
		return fmt.Errorf("an argument is empty (%s): slipway %s", quoted(given), c.usage())
	}
	return nil
}

// quoted returns arguments as a shell takes them, more or less.
func quoted(given []string) string {
	var b strings.Builder
	for n, one := range given {
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Quote(one))
	}
	return b.String()
}

// setArguments sets the fields of options from the arguments of a command line.
func (c *Command) setArguments(options reflect.Value, given []string) {
	for n, a := range c.Task.arguments {
		switch {
		case a.variadic():
			options.Field(a.index).Set(reflect.ValueOf(given[min(n, len(given)):]))
		case n < len(given):
			options.Field(a.index).SetString(given[n])
		}
	}
}
