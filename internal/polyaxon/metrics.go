package polyaxon

import (
	"context"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Series is a metric over the steps of a run. The three slices have one element for each
// point. Points whose value is not a number are left out.
type Series struct {
	Steps  []int64
	Times  []time.Time
	Values []float64
	// EndsInvalid reports whether the value of the last point is not a number: it is NaN, infinite or
	// empty.
	EndsInvalid bool
}

const (
	// metricRoot is the directory of a run's metrics, which are one file each.
	metricRoot = "events/metric"
	// metricDepth is the maximum number of slashes in a name, and metricLimit the maximum
	// number of names.
	metricDepth = 8
	metricLimit = 2000
	// maxNamesQuery is how long the names in one address are, in bytes. Proxies such as ingress-nginx refuse
	// addresses of more than 8 KiB.
	maxNamesQuery = 4000
)

// MetricNames returns the sorted names of the metrics that a run has written. A name may
// contain slashes. It walks the tree of the run's events, since no endpoint lists the
// names.
func (c *Client) MetricNames(ctx context.Context, a Artifact) ([]string, error) {
	var names []string
	var walk func(string, int) error
	walk = func(directory string, depth int) error {
		a.Path = directory
		files, directories, err := c.Tree(ctx, a)
		if IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for file := range files {
			if name, ok := strings.CutSuffix(path.Join(directory, file), ".plx"); ok && len(names) < metricLimit {
				names = append(names, strings.TrimPrefix(name, metricRoot+"/"))
			}
		}
		for _, sub := range directories {
			if depth < metricDepth && len(names) < metricLimit {
				if err := walk(path.Join(directory, sub), depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := walk(metricRoot, 0)
	slices.Sort(names)
	return names, err
}

// Metrics returns metrics of a run by name. It leaves out unknown names, and names with a
// comma, which servers split. If a server cannot read one of the files, it fails for all
// names.
func (c *Client) Metrics(ctx context.Context, a Artifact, names []string) (map[string]Series, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, ",") })
	metrics := map[string]Series{}
	for len(names) > 0 { // servers fail without a name
		some := namesAtOnce(names)
		names = names[len(some):]
		var answer struct {
			Data []struct {
				Name string          `json:"name"`
				Data json.RawMessage `json:"data"`
			} `json:"data"`
		}
		values := url.Values{"names": {strings.Join(some, ",")}, "force": {"true"}}
		if err := c.get(ctx, c.streams(a, "events", "metric"), values, &answer); err != nil {
			return nil, err
		}
		for _, m := range answer.Data {
			if series, ok := readSeries(m.Data); ok {
				metrics[m.Name] = series
			}
		}
	}
	return metrics, nil
}

// namesAtOnce returns the first of the names, as many as one request asks for.
func namesAtOnce(names []string) []string {
	size := 0
	for n, name := range names {
		if size += len(url.QueryEscape(name + ",")); size > maxNamesQuery && n > 0 {
			return names[:n]
		}
	}
	return names
}

// readSeries decodes a metric. It reports false if the metric is not one of numbers.
func readSeries(encoded json.RawMessage) (Series, bool) {
	var columns struct {
		Step      []*float64 `json:"step"`
		Timestamp []stamp    `json:"timestamp"`
		Metric    []*float64 `json:"metric"`
	}
	if err := json.Unmarshal(encoded, &columns); err != nil {
		return Series{}, false // text instead of numbers
	}
	var s Series
	for i, value := range columns.Metric {
		if s.EndsInvalid = value == nil; s.EndsInvalid { // NaN, infinite or empty
			continue
		}
		step, at := int64(i), time.Time{}
		if i < len(columns.Step) && columns.Step[i] != nil {
			step = int64(*columns.Step[i])
		}
		if i < len(columns.Timestamp) {
			at = time.Time(columns.Timestamp[i])
		}
		s.Values, s.Steps, s.Times = append(s.Values, *value), append(s.Steps, step), append(s.Times, at)
	}
	return s, true
}
