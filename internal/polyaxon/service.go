package polyaxon

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
)

// Service is what the operation of a run says about how to reach it.
type Service struct {
	// Ports are the ports that its container listens on.
	Ports []int
	// RewritePath reports whether the gateway removes its prefix from requests.
	RewritePath bool
	// External reports whether the gateway uses the prefix for external services. 2.x only.
	External bool
	// Page is the path, below the address of the service, of the page to open first. The
	// empty string means the address itself.
	Page string
}

// PageAnnotation is the annotation in an operation's environment that sets Page.
const PageAnnotation = "slipway/page"

// Service parses the run's compiled operation. It returns the zero Service for a run from
// a list, which has no operation.
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

// CollectsLogs reports whether Polyaxon archives the run's log. It is true unless the
// compiled operation turns that off, and always true for a run from a list, which has no
// operation.
func (r *Run) CollectsLogs() bool {
	var compiled struct {
		Plugins struct {
			CollectLogs *bool `json:"collectLogs"`
		} `json:"plugins"`
	}
	return json.Unmarshal([]byte(r.Content), &compiled) != nil || compiled.Plugins.CollectLogs == nil || *compiled.Plugins.CollectLogs
}

// ServicePath returns the path of a service at the server's gateway. If the operation
// sets rewritePath, the gateway removes this path from requests. Releases 2.x also have
// the port in the path, which tells the gateway where to connect. 1.11.3 does not.
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

// ServiceAddress returns the URL of the first port of a service for programs in the cluster: that of
// the Kubernetes Service that Polyaxon creates. Releases 1.x expose the port as port 80.
func (c *Client) ServiceAddress(ctx context.Context, r *Run, namespace string) (string, error) {
	release, err := c.release(ctx)
	if err != nil {
		return "", err
	}
	port := 80
	if ports := r.Service().Ports; release.Major != 1 && len(ports) > 0 {
		port = ports[0]
	}
	return "http://plx-operation-" + r.UUID + "." + namespace + ":" + strconv.Itoa(port), nil
}

// ServiceURL returns the URL of a service at the server's gateway.
func (c *Client) ServiceURL(ctx context.Context, r *Run, namespace string) (string, error) {
	path, err := c.ServicePath(ctx, r, namespace)
	return c.host + path, err
}

// GPUs returns the number of GPUs that the run's compiled operation requests, in all of
// its replicas. It returns 0 for a run from a list, which has no operation.
func (r *Run) GPUs() int {
	var compiled struct {
		Run any `json:"run"`
	}
	if json.Unmarshal([]byte(r.Content), &compiled) != nil {
		return 0
	}
	return gpus(compiled.Run)
}

// gpus returns the number of GPUs of all resources in value, times its replicas.
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

// gpusOf returns the number of GPUs, such as nvidia.com/gpu, in a container's limits, or
// else in its requests. Kubernetes requires the two to be equal.
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
