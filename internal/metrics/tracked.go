package metrics

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var (
	untracked  = lazyregexp.New(`[^\w\\/.\s-]`)
	separators = lazyregexp.New(`[\\/]+`)
	blanks     = lazyregexp.New(`[-.\s]+`)
)

// TrackedName returns the name that Polyaxon's tracking client gives to a metric, such as val__acc for val/acc: that of
// a file. Its releases 1.11 to 2.18 do the same.
func TrackedName(name string) string {
	name = untracked.ReplaceAllString(norm.NFKD.String(name), "")
	name = separators.ReplaceAllString(strings.TrimSpace(name), "__")
	return blanks.ReplaceAllString(name, "-")
}

// maxNamed is how many metrics are named in place of one.
const maxNamed = 20

// InPlaceOf says which metrics there are in place of one that is missing, at most 20. names are sorted. If Polyaxon's
// tracking client has given it another name, it is only that.
func InPlaceOf(missing string, names []string) string {
	if tracked := TrackedName(missing); slices.Contains(names, tracked) {
		return fmt.Sprintf("%s, as Polyaxon's tracking client names %s", tracked, missing)
	}
	more := ""
	if n := len(names) - maxNamed; n > 0 {
		names, more = names[:maxNamed], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}
