package command

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/tasks/cli"
)

// The help of the root command.
const (
	// Summary is one line of help.
	Summary = "Takes a machine learning repository from a commit to a finished run"
	// About is a paragraph.
	About = `slipway builds and pushes images, syncs secrets into the cluster, renders and checks Polyaxonfiles, ` +
		`submits the jobs to Polyaxon, follows them, and exits with what really happened. ` +
		`With no cloud configured it does so on an embedded sandbox.`
)

var durationType = reflect.TypeFor[time.Duration]()

// sharedFlags returns the flags that all commands have.
func sharedFlags() []flag {
	_, flags := fields(reflect.TypeFor[cli.App]())
	return flags
}

// shared returns all shared flags as c has them. A PerCommand flag has no letter if a
// flag of c's task has the same letter. The command of the sandbox's own process has no
// PerCommand flags.
func (c *Command) shared(all []flag) []flag {
	var flags []flag
	for _, f := range all {
		if f.PerCommand && c.Task.serves {
			continue
		}
		if f.PerCommand && slices.ContainsFunc(c.Task.flags, func(own flag) bool { return own.Short == f.Short }) {
			f.Short = ""
		}
		flags = append(flags, f)
	}
	return flags
}

// register adds a flag to c that sets its field of options. If the flag has no Default,
// the current value of the field is the default. A persistent flag applies to the
// subcommands of c, too.
func (f *flag) register(a *cli.App, c *cobra.Command, persistent bool, options reflect.Value) {
	flags := c.Flags()
	if persistent {
		flags = c.PersistentFlags()
	}
	help := f.Help
	if f.Value != "" {
		help = strings.Replace(help, f.Value, "`"+f.Value+"`", 1) // pflag takes the name of the value from the backquotes
	}
	switch into := options.Field(f.index).Addr().Interface().(type) {
	case *bool:
		flags.BoolVarP(into, f.Name, f.Short, *into, help)
	case *string:
		flags.StringVarP(into, f.Name, f.Short, *into, help)
	case *int:
		flags.IntVarP(into, f.Name, f.Short, *into, help)
	case *[]string:
		flags.StringArrayVarP(into, f.Name, f.Short, *into, help)
	case *time.Duration:
		flags.DurationVarP(into, f.Name, f.Short, *into, help)
	}
	if added := flags.Lookup(f.Name); f.Default != "" && added.Value.Set(f.Default) == nil {
		added.DefValue = added.Value.String()
	}
	if words := f.words(a); words != nil {
		_ = c.RegisterFlagCompletionFunc(f.Name, words) // only fails for a flag that does not exist
	}
}
