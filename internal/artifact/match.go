package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/moby/patternmatcher"

	"github.com/slipway-ci/slipway/internal/run"
)

// matching returns the paths of the files that match each pattern, by the names of the patterns, and
// the names of those that match none. A directory matches with all files in it.
func matching(patterns map[string]string, files []run.File) (found map[string][]string, none []string, err error) {
	found = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(patterns)) {
		pattern, err := patternmatcher.New([]string{patterns[name]})
		if err != nil {
			return nil, nil, err
		}
		for _, f := range files {
			yes, err := pattern.MatchesOrParentMatches(f.Path)
			if err != nil {
				return nil, nil, err
			}
			if yes {
				found[name] = append(found[name], f.Path)
			}
		}
		if len(found[name]) == 0 {
			none = append(none, name)
		}
	}
	return found, none, nil
}

// identity returns a text that two sets of patterns have in common only if they are equal.
func identity(patterns map[string]string) (string, error) {
	text, err := json.Marshal(patterns)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), err
}
