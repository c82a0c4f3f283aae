package mlflow

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Run is a run of MLflow.
type Run struct {
	ID, Name, Experiment string
	// Metrics are the last values that are finite numbers, by name.
	Metrics map[string]float64
}

// Page returns the address of a run's page below the address of a server.
func (r *Run) Page(server string) string {
	return strings.TrimSuffix(server, "/") + "/#/experiments/" + r.Experiment + "/runs/" + r.ID
}

// Runs returns the runs that have a tag with a value, oldest first and at most 100, in the 1000
// experiments that changed last.
func (c *Client) Runs(ctx context.Context, tag, value string) ([]Run, error) {
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
	var experiments []string
	for _, e := range found.Experiments {
		experiments = append(experiments, e.ID)
	}
	var answer struct {
		Runs []struct {
			Info struct {
				ID         string `json:"run_id"`
				Name       string `json:"run_name"`
				Experiment string `json:"experiment_id"`
			} `json:"info"`
			Data struct {
				Metrics []metric `json:"metrics"`
			} `json:"data"`
		} `json:"runs"`
	}
	question = map[string]any{
		"experiment_ids": experiments, "filter": "tags.`" + tag + "` = '" + value + "'", "max_results": maxRuns, "order_by": []string{"attributes.start_time ASC"},
	}
	if err := c.post(ctx, "runs/search", question, &answer); err != nil {
		return nil, err
	}
	var all []Run
	for _, r := range answer.Runs {
		one := Run{ID: r.Info.ID, Name: r.Info.Name, Experiment: r.Info.Experiment, Metrics: map[string]float64{}}
		for _, m := range r.Data.Metrics {
			if number, finite := m.number(); finite {
				one.Metrics[m.Key] = number
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// metric is the last value of a metric. A value that JSON has no number for, such as NaN, is a text.
type metric struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

func (m metric) number() (value float64, finite bool) {
	value, err := strconv.ParseFloat(strings.Trim(string(m.Value), `"`), 64)
	return value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}
