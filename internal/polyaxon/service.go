package polyaxon

import (
	"context"
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
	// External: the gateway has another prefix for it. 2.x only.
	External bool
	// Page is the path below its address that people open first, "" for the address
	// itself.
	Page string
}

// PageAnnotation is the annotation of an operation's environment that says Page.
const PageAnnotation = "slipway/page"

// Service reads the run's compiled operation, which a run out of a list does not
// have.
func (r *Run) Service() Service {
	var compiled struct {
		Run struct {
			Ports       []text `json:"ports"`
			RewritePath text   `json:"rewritePath"`
			IsExternal  text   `json:"isExternal"`
			Environment struct {
				Annotations map[string]text `json:"annotations"`
			} `json:"environment"`
		} `json:"run"`
	}
	if json.Unmarshal([]byte(r.Content), &compiled) != nil {
		return Service{}
	}
	run := compiled.Run
	s := Service{RewritePath: run.RewritePath == "true", External: run.IsExternal == "true", Page: string(run.Environment.Annotations[PageAnnotation])}
	for _, port := range run.Ports {
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

// ServicePath gives the path of a service at the server's gateway, below which the
// gateway takes it off when its operation says rewritePath. Releases 2.x name the
// port in it too, whose number tells the gateway where to connect; 1.11.3 does not.
func (c *Client) ServicePath(ctx context.Context, r *Run, namespace string) (string, error) {
	release, err := c.release(ctx)
	if err != nil {
		return "", err
	}
	s := r.Service()
	location := "services"
	if s.External {
		location = "external"
	}
	if s.RewritePath {
		location = "rewrite-" + location
	}
	parts := []string{location, "v1", namespace, c.owner, r.Project, "runs", r.UUID}
	if release.Major != 1 {
		port := 80
		if len(s.Ports) > 0 {
			port = s.Ports[0]
		}
		parts = append(parts, strconv.Itoa(port))
	}
	return "/" + escape(parts) + "/", nil
}

// ServiceURL gives where a service answers, through the server's gateway.
func (c *Client) ServiceURL(ctx context.Context, r *Run, namespace string) (string, error) {
	path, err := c.ServicePath(ctx, r, namespace)
	return c.host + path, err
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
