package wheel

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// debianPython are the versions of python3 in releases of Debian and Ubuntu, which do not
// change after a release is out: packages.debian.org, packages.ubuntu.com.
var debianPython = map[string]string{"bullseye": "3.9", "jammy": "3.10", "bookworm": "3.11", "noble": "3.12", "trixie": "3.13"}

var (
	namedPython    = lazyregexp.New(`(?:^|[/_:-])(?:python[\w.-]*:|python-?|py-?)(3\.\d{1,2})(?:\D|$)`)
	officialPython = lazyregexp.New(`^(?:(?:index\.)?docker\.io/)?(?:library/)?python:(3\.\d{1,2})(?:[^\d]|$)`)
)

// NamedPython returns the version of Python, such as 3.12, that the name of a base tells, such as
// python:3.12-slim, base:py3.12 or apt:noble, or "". It is sure of releases of Debian and of the
// official images of Python; whoever names another image may mean something else.
func NamedPython(base string) (version string, sure bool) {
	if release, ok := strings.CutPrefix(base, "apt:"); ok {
		version = debianPython[release]
		return version, version != ""
	}
	if found := officialPython.FindStringSubmatch(base); found != nil {
		return found[1], true
	}
	if found := namedPython.FindStringSubmatch(base); found != nil {
		return found[1], false
	}
	return "", false
}
