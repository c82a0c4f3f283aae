package run

import (
	"regexp"
	"strings"
)

var (
	// wrapping is what a kubelet puts before the words of a container runtime or a
	// registry: another one at every try.
	wrapping = regexp.MustCompile(`^(?i:back-off pulling image "([^"]*)": |failed to pull image "([^"]*)": |errimagepull: |imagepullbackoff: |error: |rpc error: code = \w+ desc = )`)
	// changing is what differs between two tries that fail alike: times, ports, ids.
	changing = regexp.MustCompile(`[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)
	// bare is a back-off that does not say why.
	bare = regexp.MustCompile(`^(?i:back-off pulling image "([^"]*)")(?:;|$)`)
)

// unwrapped gives a message without what stands before its cause.
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

// cause gives what a reason comes to, so that one which another try tells is known.
func cause(why string) string { return changing.ReplaceAllString(why, "#") }

// same tells whether a reason is the one whose cause was told last. A back-off that
// does not say why goes on with what was told of its image.
func same(told, why string) bool {
	if told == "" {
		return false
	}
	if found := bare.FindStringSubmatch(why); found != nil {
		return strings.Contains(told, cause(found[1]))
	}
	return told == cause(why)
}
