package metrics

import (
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
