package printer

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// OpenMetrics returns the metrics of r's jobs in OpenMetrics' text format 1.0, as GitLab's metrics
// reports are. The names are labels, because a job may give a metric a name that OpenMetrics does
// not allow.
func OpenMetrics(r *report.Result) string {
	var b strings.Builder
	b.WriteString("# TYPE slipway_metric gauge\n# HELP slipway_metric The last value of a metric of a job.\n")
	for _, j := range r.Jobs {
		for _, name := range slices.Sorted(maps.Keys(j.Metrics)) {
			b.WriteString(`slipway_metric{job="` + label.Replace(j.Name) + `",name="` + label.Replace(name) + `"} ` + strconv.FormatFloat(j.Metrics[name], 'g', -1, 64) + "\n")
		}
	}
	return b.String() + "# EOF\n"
}

// label escapes the value of a label.
var label = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
