package cli

import (
	"encoding/json"

	"github.com/slipway-ci/slipway/tasks/report"
)

// imagesOf returns the reference of each image, by digest.
func imagesOf(r *report.Result) map[string]string {
	all := map[string]string{}
	for _, i := range r.Images {
		if i.Reference != "" {
			all[i.Name] = i.Reference
		}
	}
	return all
}

// metricsOf returns the metrics of each job.
func metricsOf(r *report.Result) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for _, j := range r.Jobs {
		if len(j.Metrics) > 0 {
			all[j.Name] = j.Metrics
		}
	}
	return all
}

func jsonOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// changed reports whether the command changed something, or, for a plan, would change something.
func changed(r *report.Result) bool {
	if r.LeftOut != nil && r.LeftOut.Changes {
		return false
	}
	found := r.Changes > 0
	for _, i := range r.Images {
		found = found || i.Action.Changes()
	}
	for _, s := range r.Secrets {
		found = found || s.Action.Changes()
	}
	for _, v := range r.Volumes {
		found = found || v.Action.Changes()
	}
	for _, j := range r.Jobs {
		found = found || j.Action.Changes()
	}
	for _, m := range r.Manifests {
		found = found || m.Action.Changes()
	}
	return found
}
