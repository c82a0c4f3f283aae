package run

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// trackedMetrics returns the last value of each metric that the run has sent to Polyaxon.
func trackedMetrics(ctx context.Context, c *polyaxon.Client, t Target) *metrics.Source {
	found := &metrics.Source{}
	names, err := c.MetricNames(ctx, t.artifact(""))
	series := map[string]polyaxon.Series{}
	if err == nil && len(names) > 0 {
		series, err = c.Metrics(ctx, t.artifact(""), names)
	}
	if err != nil {
		found.Unread("Polyaxon's metrics", err)
	}
	for name, s := range series {
		switch n := len(s.Values); {
		case s.EndsInvalid:
			found.Take("Polyaxon", name, math.NaN())
		case n > 0:
			found.Take("Polyaxon", name, s.Values[n-1])
		}
	}
	return found
}

// writtenMetrics returns the metrics in metrics.json of a run's outputs. files are these, unless unlisted says that
// they could not be listed, such as because they are too many.
func writtenMetrics(ctx context.Context, c *polyaxon.Client, t Target, files []File, unlisted error) *metrics.Source {
	found := &metrics.Source{}
	const name = "outputs/" + metrics.FileName
	if unlisted == nil && !slices.ContainsFunc(files, func(f File) bool { return f.Path == name }) {
		return found
	}
	text, err := readSmall(ctx, c, t.artifact(name), metrics.MaxFile)
	switch {
	case err == nil:
		found.File(text)
	case unlisted != nil && polyaxon.IsNotFound(err):
	case errors.As(err, new(*bounded.SizeError)):
		found.Warn("%s cannot be read: %v", metrics.FileName, err)
	default:
		found.Unread(metrics.FileName, err)
	}
	return found
}

// readSmall returns the content of a file, or an error if it has more than limit bytes.
func readSmall(ctx context.Context, c *polyaxon.Client, a polyaxon.Artifact, limit int64) ([]byte, error) {
	body, err := c.Artifact(ctx, a)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return bounded.ReadAll(body, limit)
}

// maxMetricsLog is how much of an archived log is read for metrics, in bytes.
const maxMetricsLog = 256 << 20

// maxMetricsRetries is how often a request for the log is repeated.
const maxMetricsRetries = 5

// errLongLog ends the reading of a log that is longer.
var errLongLog = errors.New("the log is too long")

// loggedMetrics returns the metrics in the first limit bytes of the archived log of a run.
func loggedMetrics(ctx context.Context, c *polyaxon.Client, t Target, limit int) *metrics.Source {
	found := &metrics.Source{}
	size, failed := 0, 0
	q := polyaxon.LogQuery{Namespace: t.Namespace, Project: t.Project, UUID: t.UUID, Kind: t.Kind}
	for seen := map[string]bool{}; len(seen) < maxLogFiles; {
		page, err := c.ReadLogs(ctx, q, func(l polyaxon.LogLine) error {
			if size += len(l.Value); size > limit {
				return errLongLog
			}
			if isMain(l.Container) {
				found.Line(lastState(l.Value))
			}
			return nil
		})
		switch {
		case errors.Is(err, errLongLog):
			found.Warn("the log has more than %d MiB: metrics of later lines are left out", limit>>20)
			return found
		case polyaxon.Temporary(err) && failed < maxMetricsRetries && clock.Sleep(ctx, firstPoll<<failed) == nil:
			failed++ // lines that are read again change nothing
			continue
		case err != nil:
			if !polyaxon.IsNotFound(err) {
				found.Unread("the log, which may have metrics,", err)
			}
			return found
		case page.LastFile == "" || seen[page.LastFile]:
			return found
		}
		q.LastFile = page.LastFile
		seen[page.LastFile] = true
	}
	return found
}
