package polyaxon

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Service is what a run's operation says of how it is reached.
type Service struct {
	// Ports are those that its container listens on.
	Ports []int
	// RewritePath: the gateway takes its prefix off.
	RewritePath bool
}

// Service reads the run's compiled operation, which a run out of a list does not
// have.
func (r *Run) Service() Service {
	var compiled struct {
		Run struct {
			Ports       []text `json:"ports"`
			RewritePath text   `json:"rewritePath"`
		} `json:"run"`
	}
	if json.Unmarshal([]byte(r.Content), &compiled) != nil {
		return Service{}
	}
	s := Service{RewritePath: compiled.Run.RewritePath == "true"}
	for _, port := range compiled.Run.Ports {
		if n, err := strconv.ParseUint(string(port), 10, 16); err == nil && n > 0 {
			s.Ports = append(s.Ports, int(n))
		}
	}
	return s
}

// CollectsLogs reports whether Polyaxon archives what the run prints, which its
// operation may forbid; a run out of a list does not have one.
func (r *Run) CollectsLogs() bool {
	var compiled struct {
		Plugins struct {
			CollectLogs *bool `json:"collectLogs"`
		} `json:"plugins"`
	}
	return json.Unmarshal([]byte(r.Content), &compiled) != nil || compiled.Plugins.CollectLogs == nil || *compiled.Plugins.CollectLogs
}

// ServicePath gives the path of a service at the server's gateway.
func (c *Client) ServicePath(r *Run, namespace string) string {
	prefix := "/services/v1/"
	if r.Service().RewritePath {
		prefix = "/rewrite-services/v1/"
	}
	return prefix + escape([]string{namespace, c.owner, r.Project, "runs", r.UUID}) + "/"
}

// ServiceURL gives where a service answers, through the server's gateway: below
// a prefix that is taken off when its operation says rewritePath.
func (c *Client) ServiceURL(r *Run, namespace string) string {
	return c.host + c.ServicePath(r, namespace)
}

// GPUs counts the GPUs that the run's compiled operation asks for, in all of its
// replicas; a run out of a list does not have one.
func (r *Run) GPUs() int {
	var compiled struct {
		Run any `json:"run"`
	}
	if json.Unmarshal([]byte(r.Content), &compiled) != nil {
		return 0
	}
	return gpus(compiled.Run)
}

func gpus(value any) int {
	count := 0
	switch x := value.(type) {
	case []any:
		for _, item := range x {
			count += gpus(item)
		}
	case map[string]any:
		for key, inner := range x {
			if key == "resources" {
				count += gpusOf(inner)
				continue
			}
			count += gpus(inner)
		}
		if n, ok := x["replicas"].(float64); ok && n >= 0 {
			count *= int(n)
		}
	}
	return count
}

// gpusOf counts the GPUs among a container's limits, such as nvidia.com/gpu; the
// requests must be the same where there are any.
func gpusOf(resources any) int {
	for _, section := range []string{"limits", "requests"} {
		of, _ := resources.(map[string]any)
		amounts, _ := of[section].(map[string]any)
		count := 0
		for name, amount := range amounts {
			if n, err := strconv.Atoi(plain(amount)); err == nil && strings.HasSuffix(name, "/gpu") {
				count += n
			}
		}
		if count > 0 {
			return count
		}
	}
	return 0
}
