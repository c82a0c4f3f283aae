package release

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// version is a version of slipway's module: that of a tag, or the one that the go command
// makes of a commit after a tag, a pseudo-version (go.dev/ref/mod#pseudo-versions).
type version struct {
	release          string
	phase, number    string
	time, commit     string
	uncommittedFiles bool
}

var versionPattern = lazyregexp.New(`^v([0-9]+\.[0-9]+\.[0-9]+)` +
	`(?:-(alpha|beta|rc)\.?([0-9]+))?` +
	`(?:[-.](?:0\.)?([0-9]{14})-([0-9a-f]{12}))?(\+dirty)?$`)

func parseVersion(text string) (version, error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return version{}, fmt.Errorf("the version %q is not of a form such as v1.2.3, v1.2.3-alpha.1, v1.2.3-beta.1 or v1.2.3-rc.1", text)
	}
	return version{release: m[1], phase: m[2], number: m[3], time: m[4], commit: m[5], uncommittedFiles: m[6] != ""}, nil
}

// IsTag reports whether a text is the version of a release, as tags have it, such as v1.2.3.
func IsTag(text string) bool {
	v, err := parseVersion(text)
	return err == nil && v.isTag()
}

// isTag reports whether the version is that of a tag.
func (v version) isTag() bool { return v.commit == "" && !v.uncommittedFiles }

// python returns the version as Python writes it (packaging.python.org, version specifiers).
// That of a commit is a development release: like the pseudo-version, it comes before the
// next tag. After a candidate it would come before the candidate, so it is one of the next.
func (v version) python() string {
	text := v.release
	if v.phase != "" {
		number := v.number
		if v.time != "" {
			number = increment(number)
		}
		text += map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[v.phase] + number
	}
	local := v.commit
	if v.time != "" {
		text += ".dev" + v.time
	}
	if v.uncommittedFiles {
		if local != "" {
			local += "."
		}
		local += "dirty"
	}
	if local != "" {
		text += "+" + local
	}
	return text
}

// increment adds one to a number of any length.
func increment(number string) string {
	digits := []byte(number)
	for n := len(digits) - 1; n >= 0; n-- {
		if digits[n] != '9' {
			digits[n]++
			return string(digits)
		}
		digits[n] = '0'
	}
	return "1" + string(digits)
}
