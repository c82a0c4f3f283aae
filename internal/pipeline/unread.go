package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/tasks/report"
)

// unreadError says that a metric may be where it could not be read. That is not what a run is refused for.
type unreadError struct {
	uuid, metric string
	where        []string
}

// Error implements error.
func (e *unreadError) Error() string {
	return fmt.Sprintf("run %s has no metric %s, but not all of them are known: %s", e.uuid, e.metric, strings.Join(e.where, "; "))
}

// unread returns an *unreadError if the best run, or the base, lacks a metric that conditions need, and could not be
// asked for all of its metrics. A metric that is not finite is known.
func (e *JobResult) unread(all map[string]*metrics.Condition, base *report.Base) error {
	best := e.Best()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, has := best.Metrics[name]; !has && len(best.Unread) > 0 && !slices.Contains(best.NotFinite, name) {
			return &unreadError{best.UUID, name, best.Unread}
		}
		if _, has := base.Metrics[name]; !has && all[name].OfBase && len(base.Unread) > 0 {
			return &unreadError{base.UUID, name, base.Unread}
		}
	}
	return nil
}
