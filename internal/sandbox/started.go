package sandbox

import "github.com/slipway-ci/slipway/internal/sandbox/container"

// The variables by which Join tells the process that it starts what to serve. They are not
// arguments, because programs differ in the form of their flags.
const (
	stateVariable   = "SLIPWAY_SANDBOX_STATE"
	releaseVariable = "SLIPWAY_SANDBOX_POLYAXON"
)

// orders returns the variables for a process that serves the sandbox in dir.
func orders(dir, release string) []string {
	return []string{stateVariable + "=" + dir, releaseVariable + "=" + release}
}

// ordered returns o with what Join told this process, if it started this process.
func (o ServeOptions) ordered() ServeOptions {
	if dir, ok := o.Lookup(stateVariable); ok {
		o.Dir = dir
		o.Release, _ = o.Lookup(releaseVariable)
	}
	return o
}

// Started reports whether this process was started to serve a sandbox or to become one of
// its containers. Its main function must call Serve, and do nothing else.
func Started(lookup func(string) (string, bool)) bool {
	_, serves := lookup(stateVariable)
	return serves || container.IsInit(lookup)
}

// StartedError reports that a process that was started to serve a sandbox does something
// else. It would start itself again and again.
type StartedError struct{}

// Error says what to do.
func (e *StartedError) Error() string {
	return "slipway started this program to serve the sandbox, and its main function does something else: " +
		"call App.Serve at the beginning of main if App.Started reports true, as docs/api.md shows, or import the targets of tasks/mage"
}
