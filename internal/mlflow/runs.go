package mlflow

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/metrics"
)

// parentTag is the tag of a run that is nested in another.
const parentTag = "mlflow.parentRunId"

// Run is a run of MLflow.
type Run struct {
	ID, Name, Experiment string
	Tags                 map[string]string
	// Metrics are the last values that are finite numbers, by name. NotFinite are the other metrics, and Warnings
	// say which ones are left out.
	Metrics   map[string]float64
	NotFinite []string
	Warnings  []string
}

// Nested reports whether the run is a part of another one.
func (r *Run) Nested() bool { return r.Tags[parentTag] != "" }

// Page returns the address of a run's page below the address of a server.
func (r *Run) Page(server string) string {
	return strings.TrimSuffix(server, "/") + "/#/experiments/" + url.PathEscape(r.Experiment) + "/runs/" + url.PathEscape(r.ID)
}

// Runs returns the newest runs that have all of the tags, at most limit and oldest first, in the 1000
// experiments that changed last.
func (c *Client) Runs(ctx context.Context, tags map[string]string, limit int) ([]Run, error) {
	var found struct {
		Experiments []struct {
			ID string `json:"experiment_id"`
		} `json:"experiments"`
	}
	question := map[string]any{"max_results": maxExperiments, "order_by": []string{"last_update_time DESC"}}
	if err := c.post(ctx, "experiments/search", question, &found); err != nil {
		return nil, err
	}
	if len(found.Experiments) == 0 {
		return nil, nil
	}
	var experiments, conditions []string
	for _, e := range found.Experiments {
		experiments = append(experiments, e.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		conditions = append(conditions, "tags.`"+name+"` = '"+tags[name]+"'")
	}
	question = map[string]any{
		"experiment_ids": experiments, "filter": strings.Join(conditions, " and "), "max_results": pageSize, "order_by": []string{"attributes.start_time DESC"},
	}
	var all []Run
	for len(all) < limit {
		var page runsPage
		if err := c.post(ctx, "runs/search", question, &page); err != nil {
			return nil, err
		}
		for n := range page.Runs {
			all = append(all, page.Runs[n].run())
		}
		if page.Next == "" || len(page.Runs) == 0 {
			break
		}
		question["page_token"] = page.Next
	}
	all = all[:min(len(all), limit)]
	slices.Reverse(all)
	return all, nil
}

// runsPage is one answer to a search for runs.
type runsPage struct {
	Runs []answeredRun `json:"runs"`
	Next string        `json:"next_page_token"`
}

// answeredRun is a run as MLflow answers it.
type answeredRun struct {
	Info struct {
		ID         string `json:"run_id"`
		Name       string `json:"run_name"`
		Experiment string `json:"experiment_id"`
	} `json:"info"`
	Data struct {
		Metrics []metric `json:"metrics"`
		Tags    []struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		} `json:"tags"`
	} `json:"data"`
}

func (r *answeredRun) run() Run {
	one := Run{ID: r.Info.ID, Name: r.Info.Name, Experiment: r.Info.Experiment, Tags: map[string]string{}}
	for _, tag := range r.Data.Tags {
		one.Tags[tag.Key] = tag.Value
	}
	var found metrics.Source
	for _, m := range r.Data.Metrics {
		found.Take("MLflow", m.Key, m.number())
	}
	one.Metrics, one.NotFinite = found.Finite()
	one.Warnings = found.Warnings()
	return one
}

// metric is the last value of a metric. NaN is a text, and so is an infinite value of a store in files. Stores in
// databases keep the largest number in place of an infinite value.
type metric struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// number returns the value, which is NaN if it is not a finite number.
func (m metric) number() float64 {
	value, err := strconv.ParseFloat(strings.Trim(string(m.Value), `"`), 64)
	if err != nil || math.Abs(value) >= math.MaxFloat64 {
		return math.NaN()
	}
	return value
}
