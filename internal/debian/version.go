package debian

import (
	"cmp"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// versionForm is the form of a version, as deb-version(7) describes it.
var versionForm = lazyregexp.New(`^([0-9]+:)?[0-9A-Za-z.+~:-]+$`)

// CompareVersions returns -1, 0 or 1, as version a is before, the same as, or after version b. See
// deb-version(7).
func CompareVersions(a, b string) int {
	epochA, upstreamA, revisionA := splitVersion(a)
	epochB, upstreamB, revisionB := splitVersion(b)
	return cmp.Or(comparePart(epochA, epochB), comparePart(upstreamA, upstreamB), comparePart(revisionA, revisionB))
}

// splitVersion returns the parts of [EPOCH:]UPSTREAM[-REVISION].
func splitVersion(v string) (epoch, upstream, revision string) {
	upstream = v
	if before, after, found := strings.Cut(v, ":"); found {
		epoch, upstream = before, after
	}
	if n := strings.LastIndexByte(upstream, '-'); n >= 0 {
		upstream, revision = upstream[:n], upstream[n+1:]
	}
	return epoch, upstream, revision
}

// comparePart compares parts of versions: texts without digits and numbers in turn.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if order := cmp.Compare(weight(a), weight(b)); order != 0 {
				return order
			}
			a, b = a[1:], b[1:] // both have a character of the same weight
		}
		var numberA, numberB string
		numberA, a = leadingNumber(a)
		numberB, b = leadingNumber(b)
		if order := cmp.Or(cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB)); order != 0 {
			return order
		}
	}
	return 0
}

// weight returns the place of the first character in the order of texts: the tilde is before the
// end of a text, the end before letters, and letters before all others.
func weight(text string) int {
	switch {
	case text == "" || isDigit(text[0]):
		return 0
	case text[0] == '~':
		return -1
	case text[0] >= 'a' && text[0] <= 'z', text[0] >= 'A' && text[0] <= 'Z':
		return int(text[0])
	}
	return int(text[0]) + 256
}

// leadingNumber returns the digits that a text begins with, without leading zeros, and the rest.
func leadingNumber(text string) (number, rest string) {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return strings.TrimLeft(text[:n], "0"), text[n:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
