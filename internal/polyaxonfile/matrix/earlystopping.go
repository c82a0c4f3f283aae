package matrix

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// EarlyStopping is a condition under which the remaining runs of a matrix are stopped: a
// run's metric is good enough, or too many runs have failed.
type EarlyStopping struct {
	// Metric is the name of a metric, or "" when failures are counted.
	Metric string
	// Value is the bound for the metric: an upper bound if Minimize is set, else a lower bound.
	Value    float64
	Minimize bool
	// Percent is the percentage of failed runs, of all runs, at which the rest is stopped.
	Percent float64
}

// Reached reports whether a run's metrics are good enough.
func (e EarlyStopping) Reached(metrics map[string]float64) bool {
	value, given := metrics[e.Metric]
	switch {
	case e.Metric == "" || !given:
		return false
	case e.Minimize:
		return value <= e.Value
	}
	return value >= e.Value
}

// Exceeded reports whether too many of all runs have failed.
func (e EarlyStopping) Exceeded(failed, all int) bool {
	return e.Metric == "" && failed > 0 && float64(failed)*100 >= e.Percent*float64(all)
}

// String describes the condition.
func (e EarlyStopping) String() string {
	switch {
	case e.Metric == "":
		return fmt.Sprintf("%v %% of the runs have failed", e.Percent)
	case e.Minimize:
		return fmt.Sprintf("%s is at most %v", e.Metric, e.Value)
	}
	return fmt.Sprintf("%s is at least %v", e.Metric, e.Value)
}

// earlyStopping reads the conditions that slipway can watch itself. It returns an *Error
// for a policy: policies compare runs while they are in progress, which only a server can
// do.
func earlyStopping(matrix map[string]any) ([]EarlyStopping, error) {
	list, ok := matrix["earlyStopping"].([]any)
	if !ok && matrix["earlyStopping"] != nil {
		return nil, matrixErrorf([]string{"earlyStopping"}, "slipway can only expand a list, not a reference")
	}
	var all []EarlyStopping
	for i, element := range list {
		m, path := plain.Map(element), []string{"earlyStopping", strconv.Itoa(i)}
		one := EarlyStopping{}
		switch {
		case m["policy"] != nil:
			return nil, matrixErrorf(append(path, "policy"), "slipway cannot compare runs that are still running: leave the policy out, and the rest of the matrix is stopped when a run's metric has reached the value")
		case m["kind"] == "failure_early_stopping":
			if one.Percent, ok = m["percent"].(float64); !ok || one.Percent <= 0 {
				return nil, matrixErrorf(append(path, "percent"), "must be a number above 0")
			}
		default:
			one.Metric, _ = m["metric"].(string)
			if one.Value, ok = m["value"].(float64); !ok {
				return nil, matrixErrorf(append(path, "value"), "must be a number")
			}
			goal, isWord := m["optimization"].(string)
			if !isWord {
				return nil, matrixErrorf(append(path, "optimization"), "must be maximize or minimize")
			}
			one.Minimize = strings.EqualFold(goal, "minimize")
		}
		all = append(all, one)
	}
	return all, nil
}
