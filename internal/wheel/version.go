package wheel

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// version is a version of a package, ordered as the version specifiers standard (PEP 440)
// says. Its numbers are strings of digits, which may have any length.
type version struct {
	epoch   string
	release []string
	// phase is 0 for a development release without another phase, 1 to 3 for alpha, beta
	// and candidate, and 4 for a final release.
	phase         int
	pre           string
	post, dev     string
	isPost, isDev bool
	local         []string
}

var versionPattern = lazyregexp.New(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` +
	`(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?([0-9]*))?` +
	`(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?` +
	`(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

func parseVersion(text string) (version, bool) {
	m := versionPattern.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if m == nil {
		return version{}, false
	}
	v := version{epoch: m[1], release: strings.Split(m[2], "."), phase: 4, pre: m[4], post: m[5] + m[7], isPost: m[5] != "" || m[6] != "", dev: m[9], isDev: m[8] != ""}
	switch m[3] {
	case "a", "alpha":
		v.phase = 1
	case "b", "beta":
		v.phase = 2
	case "c", "rc", "pre", "preview":
		v.phase = 3
	case "":
		if v.isDev && !v.isPost {
			v.phase = 0
		}
	}
	if m[10] != "" {
		v.local = strings.FieldsFunc(m[10], func(r rune) bool { return strings.ContainsRune("-_.", r) })
	}
	return v, true
}

// compareVersions compares two versions, including their local parts.
func compareVersions(a, b version) int {
	return cmp.Or(comparePublic(a, b), slices.CompareFunc(a.local, b.local, compareLocal))
}

func comparePublic(a, b version) int {
	return cmp.Or(
		compareDigits(a.epoch, b.epoch),
		compareRelease(a.release, b.release),
		cmp.Compare(a.phase, b.phase),
		compareDigits(a.pre, b.pre),
		compareFlag(a.isPost, b.isPost),
		compareDigits(a.post, b.post),
		compareFlag(b.isDev, a.isDev), // a development release comes first
		compareDigits(a.dev, b.dev),
	)
}

func compareFlag(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareRelease compares numbers from the left. Missing numbers are zero.
func compareRelease(a, b []string) int {
	for n := range max(len(a), len(b)) {
		if c := compareDigits(at(a, n), at(b, n)); c != 0 {
			return c
		}
	}
	return 0
}

func at(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return ""
}

// compareDigits compares strings of digits by value. An empty string is zero.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareLocal orders numbers after words.
func compareLocal(a, b string) int {
	aNumber, bNumber := isDigits(a), isDigits(b)
	switch {
	case aNumber && bNumber:
		return compareDigits(a, b)
	case aNumber != bNumber:
		return compareFlag(aNumber, bNumber)
	}
	return strings.Compare(a, b)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// sameVersion reports whether two texts are the same version, as 1.0 and 1.0.0 are.
func sameVersion(a, b string) bool {
	left, ok := parseVersion(a)
	right, too := parseVersion(b)
	if !ok || !too {
		return strings.EqualFold(a, b)
	}
	return compareVersions(left, right) == 0
}

// satisfies reports whether a candidate fulfills a clause such as >= 3.8 or == 3.*,
// including pre-releases. ok is false if the candidate or the clause is not valid.
func satisfies(candidate, operator, operand string) (holds, ok bool) {
	have, ok := parseVersion(candidate)
	if !ok {
		return false, false
	}
	if prefix, wild := strings.CutSuffix(strings.TrimSpace(operand), ".*"); wild && (operator == "==" || operator == "!=") {
		want, ok := parseVersion(prefix)
		if !ok || want.phase != 4 || want.isPost || want.isDev || want.local != nil {
			return false, false
		}
		return hasPrefix(have, want) == (operator == "=="), true
	}
	want, ok := parseVersion(operand)
	if !ok {
		return false, operator == "==="
	}
	order := comparePublic(have, want)
	sameRelease := compareDigits(have.epoch, want.epoch) == 0 && compareRelease(have.release, want.release) == 0
	switch operator {
	case "==", "!=":
		equal := order == 0
		if want.local != nil {
			equal = compareVersions(have, want) == 0
		}
		return equal == (operator == "=="), true
	case "<=":
		return order <= 0, true
	case ">=":
		return order >= 0, true
	case "<": // < 3.8 excludes the pre-releases of 3.8
		return order < 0 && (want.phase < 4 || have.phase == 4 || !sameRelease), true
	case ">": // > 3.8 excludes the post-releases of 3.8
		return order > 0 && (want.isPost || !have.isPost || !sameRelease), true
	case "~=":
		if len(want.release) < 2 {
			return false, false
		}
		series := version{epoch: want.epoch, release: want.release[:len(want.release)-1]}
		return order >= 0 && hasPrefix(have, series), true
	case "===":
		return strings.EqualFold(strings.TrimSpace(candidate), strings.TrimSpace(operand)), true
	}
	return false, false
}

func hasPrefix(v, prefix version) bool {
	if compareDigits(v.epoch, prefix.epoch) != 0 {
		return false
	}
	for n, want := range prefix.release {
		if compareDigits(at(v.release, n), want) != 0 {
			return false
		}
	}
	return true
}
