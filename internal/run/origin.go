package run

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Origins computes prefixes that say where lines come from: from the second pod of a run
// on, or always if Containers is set. The zero value is ready to use.
type Origins struct {
	Containers bool
	first      string
	several    bool
}

// Before returns the prefix for a line: "", the pod, or the pod and the container. The
// part that the names of all pods of a run share is left out.
func (o *Origins) Before(l *polyaxon.LogLine) string {
	switch {
	case o.first == "":
		o.first = l.Pod
	case o.first != l.Pod:
		o.several = true
	}
	pod := l.Pod
	if rest, found := strings.CutPrefix(pod, "plx-operation-"); found {
		if _, own, found := strings.Cut(rest, "-"); found && own != "" {
			pod = own
		}
	}
	switch {
	case o.Containers:
		return logline.Sanitize(pod+" "+l.Container) + " | "
	case o.several:
		return logline.Sanitize(pod) + " | "
	}
	return ""
}
