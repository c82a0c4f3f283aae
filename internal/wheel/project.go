package wheel

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/slipway-ci/slipway/internal/source"
)

// projectFile is the part of a pyproject.toml that is read.
type projectFile struct {
	Project struct {
		Name           string
		RequiresPython string `toml:"requires-python"`
		Dependencies   []string
		Optional       map[string][]string `toml:"optional-dependencies"`
		Dynamic        []string
	}
	Groups map[string][]any `toml:"dependency-groups"`
	Tool   struct {
		UV struct {
			Sources   map[string]any
			Dev       []string `toml:"dev-dependencies"`
			Workspace struct{ Members, Exclude []string }
		}
		Poetry struct {
			Extras map[string]any
			Group  map[string]any
		}
	}
}

// parseProject parses a pyproject.toml. It does not return the syntax error, which is left
// to uv and poetry to report.
func parseProject(text []byte) (projectFile, bool) {
	var p projectFile
	return p, unmarshal(text, &p) == nil
}

// extrasAndGroups returns the normalized names of the extras and groups that the project
// defines.
func (p projectFile) extrasAndGroups() (extras, groups []string) {
	extras = slices.Concat(slices.Collect(maps.Keys(p.Project.Optional)), slices.Collect(maps.Keys(p.Tool.Poetry.Extras)))
	groups = slices.Concat(slices.Collect(maps.Keys(p.Groups)), slices.Collect(maps.Keys(p.Tool.Poetry.Group)))
	if len(p.Tool.UV.Dev) > 0 {
		groups = append(groups, "dev")
	}
	return normalNames(extras), normalNames(groups)
}

func normalNames(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, normalName(name))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isMember reports whether a directory, relative to the project's, is a member of its
// workspace.
func (p projectFile) isMember(dir string) bool {
	matches := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := path.Match(path.Clean(pattern), dir)
			return err == nil && ok
		})
	}
	return matches(p.Tool.UV.Workspace.Members) && !matches(p.Tool.UV.Workspace.Exclude)
}

// checkExtrasAndGroups returns an error if the spec names an extra or group that the lock
// does not have.
func (s Spec) checkExtrasAndGroups(extras, groups []string) error {
	for _, kind := range []struct {
		what          string
		wanted, known []string
	}{{"extra", s.Extras, extras}, {"group", s.Groups, groups}} {
		for _, name := range kind.wanted {
			if slices.Contains(kind.known, normalName(name)) {
				continue
			}
			hint := cmp.Or(source.Suggest(name, "there are ", kind.known), "there are none")
			return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s has no %s %s", s.Name, s.Lock, kind.what, name), Hint: hint}
		}
	}
	return nil
}
