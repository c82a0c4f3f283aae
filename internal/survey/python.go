package survey

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// preferred are the versions of Python 3 by how likely packages have wheels for them.
var preferred = []int{12, 11, 13, 10, 14, 9, 8}

// debianPython are the versions of python3 in releases of Debian and Ubuntu, which do not
// change after a release is out: packages.debian.org, packages.ubuntu.com.
var debianPython = map[string]string{"bullseye": "3.9", "jammy": "3.10", "bookworm": "3.11", "noble": "3.12", "trixie": "3.13"}

// Named returns the version of Python, such as 3.12, that the name of a base tells, such as
// python:3.12-slim, base:py3.12 or apt:noble, or "".
func Named(image string) string {
	if release, ok := strings.CutPrefix(image, "apt:"); ok {
		return debianPython[release]
	}
	if found := inImage.FindStringSubmatch(image); found != nil {
		return found[1]
	}
	return ""
}

var inImage = lazyregexp.New(`(?:^|[/_:-])(?:python[\w.-]*:|python-?|py-?)(3\.\d{1,2})(?:\D|$)`)

var specifier = lazyregexp.New(`^\s*(>=|<=|==|!=|~=|>|<|\^|~|=)?\s*v?3\.(\d{1,2})(?:\.(\d+|\*))*\s*$`)

// Satisfying returns a version of Python, such as 3.12, that a constraint such as >=3.9,<4
// allows. It returns "" if the constraint says nothing about Python 3.
func Satisfying(constraint string) string {
	for _, minor := range preferred {
		if allows(constraint, minor) {
			return fmt.Sprintf("3.%d", minor)
		}
	}
	return ""
}

func allows(constraint string, minor int) bool {
	known := false
	for part := range strings.SplitSeq(strings.NewReplacer("||", ",", " ", "").Replace(constraint), ",") {
		found := specifier.FindStringSubmatch(part)
		if found == nil {
			continue
		}
		known = true
		n, err := strconv.Atoi(found[2])
		patch := found[3] != "" && found[3] != "*" && found[3] != "0"
		ok := err == nil
		switch found[1] {
		case "", "=", "==":
			ok = ok && minor == n
		case "~", "~=":
			ok = ok && (minor == n || minor > n && found[1] == "~=" && found[3] == "")
		case "^", ">=":
			ok = ok && minor >= n
		case ">":
			ok = ok && (minor > n || minor == n && patch)
		case "<=":
			ok = ok && minor <= n
		case "<":
			ok = ok && (minor < n || minor == n && patch)
		case "!=":
			ok = ok && (minor != n || patch)
		}
		if !ok {
			return false
		}
	}
	return known
}
