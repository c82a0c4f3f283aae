package testbed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Contender is one of several ways to do the same thing.
type Contender struct {
	Name string
	// Prepare, if there is one, puts everything at the start line; its time does
	// not count.
	Prepare func(testing.TB)
	// Run does it once and gives the largest resident memory that it needed, in
	// bytes, 0 when that is not known.
	Run func(testing.TB) int64
}

// Compare times contenders side by side: every round of b runs each of them once,
// in turn, so that what else the machine does strikes all alike. It prints the
// minimum, the median and the maximum of each, and how many times the first one's
// median each median is.
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

// Row is what was measured of one contender: a time of each round, and the largest
// resident memory in bytes, 0 when that is not known.
type Row struct {
	Name   string
	Times  []time.Duration
	Memory int64
	// Processor is what each round took of the processors, where that is measured.
	Processor []time.Duration
}

// Print prints rows as Compare does, the ratios to the first one's median.
func Print(b *testing.B, rows ...Row) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // a round's sum says nothing
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
