package dockerfile

import (
	"maps"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Arguments returns the names of the build arguments that a Dockerfile declares by ARG, sorted. It
// returns an error if the Dockerfile cannot be parsed.
func Arguments(text []byte) ([]string, error) {
	_, stages, global, err := parse(text)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	add := func(a *instructions.ArgCommand) {
		for _, one := range a.Args {
			names[one.Key] = true
		}
	}
	for n := range global {
		add(&global[n])
	}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if a, isArgument := command.(*instructions.ArgCommand); isArgument {
				add(a)
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}
