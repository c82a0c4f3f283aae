package image

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/wheel"
)

// warnOfLock warns of a lock that has not what the files have of which it was made.
func warnOfLock(s Spec) {
	of := wheelSpec(s, interpreter{})
	if changes := wheel.Stale(of); changes != "" {
		s.Notify(Warning, "image %s: %s is out of date with the pyproject.toml next to it (%s): the image is built from the lock; run `uv lock`", s.Name, s.Requirements, changes)
	}
	for _, u := range wheel.FindUnlocked(of) {
		s.Notify(Warning, "image %s: %s names %s, which %s has not: the image is built from the lock; lock again with `%s`", s.Name, u.File, strings.Join(u.Names, ", "), s.Requirements, u.Command)
	}
}
