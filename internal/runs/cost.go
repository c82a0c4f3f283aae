package runs

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Cost returns the cost of a run by the prices of slipway.yaml: the price of the
// resources that its containers request, for the time that it had a node. It returns nil
// if there are no prices or the run never had a node. The amount is unknown if that time
// is unknown, or if the containers request no resource that has a price.
func Cost(prices *config.Prices, o *run.Outcome) *report.Cost {
	held := o.Node()
	switch {
	case prices == nil, held != nil && *held == 0:
		return nil
	case held == nil:
		return &report.Cost{Currency: prices.Currency, Unknown: "it is unknown how long it had a node"}
	}
	hours := held.Hours()
	var operation struct {
		Run map[string]json.RawMessage `json:"run"`
	}
	if json.Unmarshal([]byte(o.Run.Content), &operation) != nil {
		return nil
	}
	// A distributed run has one container per role, such as worker or master.
	pieces := map[string]float64{}
	var single struct {
		Resources corev1.ResourceRequirements `json:"resources"`
	}
	if json.Unmarshal(operation.Run["container"], &single) == nil {
		addRequests(pieces, single.Resources, 1)
	}
	for _, text := range operation.Run {
		var role struct {
			Replicas  float64 `json:"replicas"`
			Container struct {
				Resources corev1.ResourceRequirements `json:"resources"`
			} `json:"container"`
		}
		if json.Unmarshal(text, &role) == nil && role.Replicas > 0 {
			addRequests(pieces, role.Container.Resources, role.Replicas)
		}
	}
	total, priced := 0.0, false
	for name, n := range pieces {
		price, known := prices.PerHour[name]
		priced = priced || known
		total += n * price * hours
	}
	switch {
	case len(pieces) == 0:
		return &report.Cost{Currency: prices.Currency, Unknown: "its containers request no resources"}
	case !priced:
		return &report.Cost{Currency: prices.Currency, Unknown: "slipway.yaml has no price for the resources that its containers request"}
	}
	return &report.Cost{Amount: &total, Currency: prices.Currency}
}

// addRequests adds the resources that a container requests to pieces, under the names that
// prices have. As in Kubernetes, a limit counts if there is no request. Memory is in GB
// (1e9 bytes).
func addRequests(pieces map[string]float64, r corev1.ResourceRequirements, replicas float64) {
	all := corev1.ResourceList{}
	for _, list := range []corev1.ResourceList{r.Limits, r.Requests} {
		for name, quantity := range list {
			all[name] = quantity
		}
	}
	for name, quantity := range all {
		n := quantity.AsApproximateFloat64() * replicas
		if name == corev1.ResourceMemory {
			pieces["memory-gb"] += n / 1e9
			continue
		}
		pieces[string(name)] += n
	}
}
