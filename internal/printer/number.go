package printer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// Count returns a number of things, such as "1 run" or "2 runs".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Age formats an age in seconds: in days and hours, hours and minutes, minutes, or
// seconds.
func Age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd %dh", int(d.Hours())/24, int(d.Hours())%24)
}

// number formats a metric with four significant digits, which is enough to compare runs.
func number(v float64) string { return fmt.Sprintf("%.4g", v) }

// maxMetrics is how many metrics of a run are shown, and maxMetricColumns how many are columns of a
// table. All are in the JSON.
const (
	maxMetrics       = 50
	maxMetricColumns = 12
)

// metricNames returns the sorted names of the metrics to show, and how many more there are.
func metricNames(metrics map[string]float64) (names []string, more int) {
	names = slices.Sorted(maps.Keys(metrics))
	shown := min(len(names), maxMetrics)
	return names[:shown], len(names) - shown
}

// textMetrics writes metrics, one a line.
func textMetrics(w *page, metrics map[string]float64) {
	names, more := metricNames(metrics)
	for _, name := range names {
		w.line("  %s = %s", name, number(metrics[name]))
	}
	if more > 0 {
		w.line("  and %d more metrics (-o json has all)", more)
	}
}

// Seconds formats a duration in seconds, or returns "unknown" for nil.
func Seconds(s *float64) string {
	if s == nil {
		return "unknown"
	}
	d := time.Duration(*s * float64(time.Second))
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// formatCost formats a cost, with the reason if it is unknown.
func formatCost(c *report.Cost) string {
	if c.Unknown == "" {
		return c.String()
	}
	return c.String() + " (" + c.Unknown + ")"
}
