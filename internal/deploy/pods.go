package deploy

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/admission"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
)

// podsOf returns the pods of a run. It returns none if the run is not compiled, or if its
// pods cannot be read, which is reported elsewhere.
func podsOf(c *compile.Compiled) []admission.Pod {
	if c == nil || c.Schedule() != "" {
		return nil
	}
	run := c.Run()
	var pods []admission.Pod
	for key, template := range c.PodTemplates() {
		p := admission.Pod{Path: []string{"run"}, Count: 1}
		section := run
		if key != "" {
			for _, step := range strings.Split(key, ".") {
				p.Path = append(p.Path, step)
				section, _ = section[step].(map[string]any)
			}
			p.Count = replicas(section["replicas"])
			p.Spare = p.Count - least(run, section, p.Path[len(p.Path)-1], p.Count)
		}
		text, err := json.Marshal(template["spec"])
		if err == nil && json.Unmarshal(text, &p.Spec) == nil {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b admission.Pod) int { return slices.Compare(a.Path, b.Path) })
	return pods
}

// replicas returns the number of replicas, which is one when it is left out.
func replicas(value any) int64 {
	if n, ok := whole(value); ok {
		return n
	}
	return 1
}

// least returns how many of count replicas an elastic run needs: minReplicas of a worker of a
// raycluster, of a daskcluster, or of the elasticPolicy of a pytorchjob.
func least(run, section map[string]any, name string, count int64) int64 {
	values := []any{section["minReplicas"]}
	if name == "worker" {
		policy, _ := run["elasticPolicy"].(map[string]any)
		values = append(values, run["minReplicas"], policy["minReplicas"])
	}
	for _, value := range values {
		if n, ok := whole(value); ok && n >= 0 {
			count = min(count, n)
		}
	}
	return count
}

// whole returns a number of a rendered operation.
func whole(value any) (int64, bool) {
	switch n := value.(type) {
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	}
	return 0, false
}
