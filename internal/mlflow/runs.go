package mlflow

import (
	"cmp"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/metrics"
)

// parentTag is the tag of a run that is nested in another, and nameTag that with the name of a run.
const parentTag, nameTag = "mlflow.parentRunId", "mlflow.runName"

// Run is a run of MLflow.
type Run struct {
	ID, Name, Experiment string
	// Started is when it started, in milliseconds of the Unix epoch.
	Started int64
	Tags    map[string]string
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

// answeredRun is a run as MLflow answers it.
type answeredRun struct {
	Info struct {
		ID         string      `json:"run_id"`
		Name       string      `json:"run_name"`
		Experiment string      `json:"experiment_id"`
		Started    json.Number `json:"start_time"` // also a text with a number
		Stage      string      `json:"lifecycle_stage"`
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
	one.Started, _ = r.Info.Started.Int64()
	for _, tag := range r.Data.Tags {
		one.Tags[tag.Key] = tag.Value
	}
	one.Name = cmp.Or(one.Name, one.Tags[nameTag]) // before 1.30
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
