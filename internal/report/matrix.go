package report

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Ranking is what orders the runs of a matrix.
type Ranking struct {
	Metric string `json:"metric"`
	// Lower tells that a lower value is a better one.
	Lower bool `json:"lower_is_better"`
}

var lowerIsBetter = regexp.MustCompile(`(?i)loss|err|mse|mae|perplexity|deviance|latency|(^|[_-])(time|seconds|wer|cer)([_-]|$)`)

// Rank puts the runs of a matrix in order, the best one first: by a ranking or, when
// it is nil, by the first of their metrics, whose name tells which way is better. Runs
// that did not succeed, and those without the metric, come last.
func (j *Job) Rank(by *Ranking) {
	names := j.metricNames()
	if by == nil && len(names) > 0 {
		by = &Ranking{Metric: names[0], Lower: lowerIsBetter.MatchString(names[0])}
	}
	j.BestBy = by
	slices.SortStableFunc(j.Runs, func(a, b Run) int {
		if by == nil {
			return cmp.Compare(a.Number, b.Number)
		}
		x, hasX := a.Metrics[by.Metric]
		y, hasY := b.Metrics[by.Metric]
		hasX, hasY = hasX && a.Status == "succeeded", hasY && b.Status == "succeeded"
		switch {
		case hasX != hasY && hasX:
			return -1
		case hasX != hasY:
			return 1
		case !hasX || x == y:
			return cmp.Compare(a.Number, b.Number)
		case by.Lower:
			return cmp.Compare(x, y)
		}
		return cmp.Compare(y, x)
	})
}

func (j *Job) metricNames() []string {
	all := map[string]float64{}
	for _, r := range j.Runs {
		for name, value := range r.Metrics {
			all[name] = value
		}
	}
	return sortedNames(all)
}

// matrix gives the runs of a matrix as a table: what each was given and what came of
// it.
func (j *Job) matrix() (header []string, rows [][]string) {
	var params []string
	for _, r := range j.Runs {
		for name := range r.Params {
			if !slices.Contains(params, name) {
				params = append(params, name)
			}
		}
	}
	slices.Sort(params)
	metrics := j.metricNames()
	if by := j.BestBy; by != nil && slices.Contains(metrics, by.Metric) { // what counts comes first
		metrics = slices.DeleteFunc(metrics, func(name string) bool { return name == by.Metric })
		metrics = append([]string{by.Metric}, metrics...)
	}
	header = slices.Concat([]string{"#", "run", "status"}, params, metrics)
	for _, r := range j.Runs {
		row := []string{strconv.Itoa(r.Number), shortID(r.UUID), r.Status}
		for _, name := range params {
			row = append(row, fmt.Sprint(r.Params[name]))
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

// ranked says what the order of a matrix's runs is, "" when there is no metric.
func (j *Job) ranked() string {
	switch {
	case j.BestBy == nil:
		return ""
	case j.BestBy.Lower:
		return "best first: the lowest " + j.BestBy.Metric
	}
	return "best first: the highest " + j.BestBy.Metric
}

// isMatrix tells whether the job's runs are those of a matrix that went on.
func (j *Job) isMatrix() bool { return len(j.Runs) > 0 && j.Runs[0].Number > 0 }

func textMatrix(w *page, j *Job) {
	if ranked := j.ranked(); ranked != "" {
		w.line("  %s", ranked)
	}
	header, rows := j.matrix()
	// What counts comes first: number, run and status, the first metric, the others, and
	// then the params.
	first := len(header) - len(j.metricNames())
	all := make([]column, len(header))
	for n, title := range header {
		all[n].title = Clean(title)
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

func markdownMatrix(w io.Writer, j *Job) {
	header, rows := j.matrix()
	ranked := ""
	if how := j.ranked(); how != "" {
		ranked = ", " + inline(how)
	}
	fmt.Fprintf(w, "Runs of %s%s:\n\n", inline(j.Name), ranked)
	for n, row := range append([][]string{header}, rows...) {
		for _, text := range row {
			fmt.Fprintf(w, "| %s ", inline(text))
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			fmt.Fprintln(w, strings.Repeat("|---", len(header))+"|")
		}
	}
	fmt.Fprintln(w)
}
