// Package advice says what to do about a pod that does not start or that failed, by the reasons and
// messages of Kubernetes, of container runtimes and of registries.
package advice

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/logline"
)

// Subject is what made a pod. It decides where the user can change something.
type Subject int

// The subjects.
const (
	// Run is a run of Polyaxon, made from a Polyaxonfile.
	Run Subject = iota
	// Manifest is an object of a Kubernetes manifest.
	Manifest
)

// For returns what to do about a reason and a message, in one line, or "" if that is not known.
func For(s Subject, reason, message string) string {
	text := reason + ": " + Cause(message)
	for _, a := range advices {
		if found := a.pattern.FindStringSubmatchIndex(text); found != nil {
			todo := a.run
			if s == Manifest && a.manifest != "" {
				todo = a.manifest
			}
			return string(a.pattern.ExpandString(nil, todo, text, found))
		}
	}
	return ""
}

// maxMessage is the maximum length of a message, in bytes.
const maxMessage = 400

// Brief returns the beginning of a message, in one line that is safe to print and without a full
// stop.
func Brief(message string) string {
	message = strings.TrimSuffix(logline.Sanitize(strings.Join(strings.Fields(message), " ")), ".")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return message
}

// wrapping matches the prefixes that a kubelet adds to the error of a container runtime
// or of a registry. They differ from attempt to attempt.
var wrapping = lazyregexp.New(`^(?i:back-off pulling image "([^"]*)": |failed to pull image "([^"]*)": |errimagepull: |imagepullbackoff: |error: |rpc error: code = \w+ desc = )`)

// Cause returns a message without the prefixes before its cause. The kubelet joins the
// errors of several programs into one text, so their types are lost.
func Cause(message string) string {
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
