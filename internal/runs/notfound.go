package runs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// notFound returns the *exit.UsageError for a name that no run has. If the name may be a
// beginning of a UUID that is too short, the error says how many digits are needed.
func notFound(c *config.Config, name string) error {
	if shortPrefix.MatchString(strings.ToLower(name)) {
		return exit.Usagef("run not found: project %s has no run named %s; the beginning of an id needs at least 4 digits (%s)", c.Project, name, instead(c, name))
	}
	return exit.Usagef("run not found: project %s has no run named %s, and none whose id begins with it (%s)", c.Project, name, instead(c, name))
}

// instead says how a job or a service without a run gets one, or else which name may be meant.
func instead(c *config.Config, name string) string {
	switch {
	case c.Jobs[name] != nil:
		return fmt.Sprintf("slipway deploy %s runs the job", name)
	case c.Services[name] != nil:
		return fmt.Sprintf("slipway up %s starts the service", name)
	}
	names := slices.Concat(slices.Sorted(maps.Keys(c.Jobs)), slices.Sorted(maps.Keys(c.Services)))
	if near, ok := source.Nearest(name, names); ok {
		return fmt.Sprintf("did you mean %s? slipway runs lists them", near)
	}
	return "slipway runs lists them"
}
