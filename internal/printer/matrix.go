package printer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// matrix returns the runs of a matrix as a table of their params and metrics.
func matrix(j *report.Job) (header []string, rows [][]string) {
	var params []string
	for _, r := range j.Runs {
		for name := range r.Params {
			if !slices.Contains(params, name) {
				params = append(params, name)
			}
		}
	}
	slices.Sort(params)
	metrics := j.MetricNames()
	slices.SortStableFunc(metrics, func(a, b string) int { return cmp.Compare(rankOf(j.BestBy, a), rankOf(j.BestBy, b)) })
	metrics = metrics[:min(len(metrics), maxMetricColumns)]
	header = slices.Concat([]string{"#", "run", "status"}, params, metrics)
	for _, r := range j.Runs {
		row := []string{strconv.Itoa(r.Number), shortID(r.UUID), r.Status}
		for _, name := range params {
			text := ""
			if value, given := r.Params[name]; given {
				text = fmt.Sprint(value)
			}
			row = append(row, text)
		}
		for _, name := range metrics {
			text := ""
			if value, ok := r.Metrics[name]; ok {
				text = number(value)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return header, rows
}

// rankOf returns the place of a metric among those that rank the runs. Metrics that do not come last.
func rankOf(by *report.Ranking, metric string) (n int) {
	for ; by != nil && by.Metric != metric; by = by.Then {
		n++
	}
	if by == nil {
		return math.MaxInt
	}
	return n
}

// rankingLabel describes the order of a matrix's runs. It is "" if they are not ranked.
func rankingLabel(j *report.Job) string {
	var parts []string
	for by := j.BestBy; by != nil; by = by.Then {
		end := "highest "
		if by.Lower {
			end = "lowest "
		}
		parts = append(parts, "the "+end+by.Metric)
	}
	if len(parts) == 0 {
		return ""
	}
	return "best first: " + strings.Join(parts, ", then ")
}

// isMatrix reports whether the job's runs are those of a matrix.
func isMatrix(j *report.Job) bool { return len(j.Runs) > 0 && j.Runs[0].Number > 0 }

func textMatrix(w *page, j *report.Job) {
	if order := rankingLabel(j); order != "" {
		w.line("  %s", order)
	}
	header, rows := matrix(j)
	// The most important columns are cut last: number, run and status never are, then the
	// first metric, the other metrics and the params.
	first := len(header) - min(len(j.MetricNames()), maxMetricColumns)
	all := make([]column, len(header))
	for n, title := range header {
		all[n].title = EscapeLine(title)
		switch {
		case n < 3:
		case n == first:
			all[n].cut = len(header)
		case n > first:
			all[n].cut = len(header) - n + first
			all[n].spare = all[n].cut
		default:
			all[n].cut = first - n
			all[n].spare = all[n].cut
		}
	}
	table := w.table(all...)
	table.indent = "  "
	for _, row := range rows {
		table.row(row...)
	}
	table.end()
}
