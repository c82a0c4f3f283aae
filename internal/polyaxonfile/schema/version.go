// Package schema describes what each version of Polyaxon knows of a Polyaxonfile: the
// objects, their keys and what each key accepts, as tables.
package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a release of Polyaxon. The zero Version stands for any of the supported
// releases: whatever one of them accepts is valid.
type Version struct{ Major, Minor, Patch int }

// ParseVersion parses a version such as 1.11.3, 2.18 or v2.18.0. It ignores everything
// after a - or a +. An empty text is the zero Version. It returns an error for anything
// else.
func ParseVersion(text string) (Version, error) {
	if text == "" {
		return Version{}, nil
	}
	plain, _, _ := strings.Cut(strings.TrimPrefix(text, "v"), "-")
	plain, _, _ = strings.Cut(plain, "+")
	parts := strings.Split(plain, ".")
	var numbers [3]int
	if len(parts) > len(numbers) {
		return Version{}, fmt.Errorf("%q is not a valid Polyaxon version; write it as 1.11.3 or 2.18", text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || i == 0 && n == 0 {
			return Version{}, fmt.Errorf("%q is not a valid Polyaxon version; write it as 1.11.3 or 2.18", text)
		}
		numbers[i] = int(n)
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

// Any reports whether v stands for any version.
func (v Version) Any() bool { return v == Version{} }

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	switch {
	case v.Major != w.Major:
		return v.Major < w.Major
	case v.Minor != w.Minor:
		return v.Minor < w.Minor
	}
	return v.Patch < w.Patch
}

// Release returns the version without its patch number: 2.18.
func (v Version) Release() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// String returns the full version, such as 2.18.0. It returns "" for any version.
func (v Version) String() string {
	if v.Any() {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// ShortcutsSince returns the release that introduced shortcuts and a single object for all
// files.
func ShortcutsSince() Version { return Version{Major: 2, Minor: 18} }

// Newest returns the newest supported release of Polyaxon.
func Newest() Version { return Version{Major: 2, Minor: 18} }

// Short returns the version as people write it: 2.18 rather than 2.18.0.
func (v Version) Short() string { return strings.TrimSuffix(v.String(), ".0") }
