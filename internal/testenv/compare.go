package testenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Contender is one of several ways to do the same thing, for Compare.
type Contender struct {
	Name string
	// Prepare, if not nil, is called before each Run. Its time is not measured.
	Prepare func(testing.TB)
	// Run does it once. It returns the largest resident memory that it needed, in bytes, or 0
	// if that is unknown.
	Run func(testing.TB) int64
}

// Compare measures contenders side by side. Every round of b runs each of them once, so
// that other load on the machine affects all of them alike. It prints the minimum, the
// median and the maximum time of each, and the ratio of its median to that of the first
// one.
func Compare(b *testing.B, contenders ...Contender) {
	b.Helper()
	rows := make([]Row, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			if c.Prepare != nil {
				c.Prepare(b)
			}
			started := time.Now()
			used := c.Run(b)
			rows[i].Name = c.Name
			rows[i].Times = append(rows[i].Times, time.Since(started))
			rows[i].Memory = max(rows[i].Memory, used)
		}
	}
	Print(b, rows...)
}

// Row has the measurements of one contender: a time for each round, and the largest
// resident memory in bytes, or 0 if that is unknown.
type Row struct {
	Name   string
	Times  []time.Duration
	Memory int64
	// Processor is the processor time of each round, or nil if it was not measured.
	Processor []time.Duration
}

// Print prints rows as Compare does. The ratios are to the median of the first row.
func Print(b *testing.B, rows ...Row) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // the time of a whole round is meaningless
	text := &strings.Builder{}
	processor := ""
	if len(rows[0].Processor) > 0 {
		processor = "\tprocessor time"
	}
	table := tabwriter.NewWriter(text, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "\n%s, %d rounds\tmin\tmedian\tmax\tratio\tmemory%s\n", b.Name(), len(rows[0].Times), processor)
	first := median(rows[0].Times)
	for _, row := range rows {
		used := ""
		if row.Memory > 0 {
			used = fmt.Sprintf("%d MB", row.Memory/1e6)
		}
		m := median(row.Times)
		ratio := float64(m) / float64(first)
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f\t%s", row.Name, short(slices.Min(row.Times)), short(m), short(slices.Max(row.Times)), ratio, used)
		if len(row.Processor) > 0 {
			_, _ = fmt.Fprintf(table, "\t%s", short(median(row.Processor)))
		}
		_, _ = fmt.Fprintln(table)
		b.ReportMetric(float64(m.Microseconds())/1000, strings.ReplaceAll(row.Name, " ", "-")+"-ms")
	}
	_ = table.Flush()
	b.Log(text.String())
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func short(d time.Duration) string {
	if d > 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
