package run

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var (
	// changing matches what differs between two attempts with the same error: times, ports,
	// IDs.
	changing = lazyregexp.New(`[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)
	// bare matches a back-off that does not say why.
	bare = lazyregexp.New(`^(?i:back-off pulling image "([^"]*)")(?:;|$)`)
)

// cause returns a reason in a form that is equal for all attempts with the same error.
func cause(why string) string { return changing.ReplaceAllString(why, "#") }

// sameCause reports whether why has the cause told, which was reported last. A back-off that
// does not say why has that cause if the cause names its image.
func sameCause(told, why string) bool {
	if told == "" {
		return false
	}
	if found := bare.FindStringSubmatch(why); found != nil {
		return strings.Contains(told, cause(found[1]))
	}
	return told == cause(why)
}
