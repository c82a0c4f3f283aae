package run

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var (
	// wrapping matches the prefixes that a kubelet adds to the error of a container runtime
	// or of a registry. They differ from attempt to attempt.
	wrapping = lazyregexp.New(`^(?i:back-off pulling image "([^"]*)": |failed to pull image "([^"]*)": |errimagepull: |imagepullbackoff: |error: |rpc error: code = \w+ desc = )`)
	// changing matches what differs between two attempts with the same error: times, ports,
	// IDs.
	changing = lazyregexp.New(`[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)
	// bare matches a back-off that does not say why.
	bare = lazyregexp.New(`^(?i:back-off pulling image "([^"]*)")(?:;|$)`)
)

// unwrapped returns a message without the prefixes before its cause. The kubelet joins the
// errors of several programs into one text, so their types are lost.
func unwrapped(message string) string {
	for {
		found := wrapping.FindStringSubmatch(message)
		if found == nil {
			return message
		}
		rest := message[len(found[0]):]
		if image := found[1] + found[2]; strings.TrimSpace(rest) == "" || !strings.Contains(rest, image) {
			return message
		}
		message = rest
	}
}

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
