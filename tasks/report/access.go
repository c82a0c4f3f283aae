package report

import "time"

// Credentials is the access to the cluster and the registry that other clients have. It has
// no secret.
type Credentials struct {
	// Context is the name of the context in the kubeconfig, and Current reports whether it is
	// the current one. Changed reports whether Kubeconfig was written.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context"`
	Current    bool   `json:"current"`
	Changed    bool   `json:"changed"`
	Server     string `json:"server"`
	Namespace  string `json:"namespace,omitempty"`
	// Registry is the host of the sandbox's registry, and Logins are command lines by which
	// other clients log in there.
	Registry string   `json:"registry,omitempty"`
	Logins   []string `json:"logins,omitempty"`
}

// Dashboard is a page, or an API, with an address that this machine can reach.
type Dashboard struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Forwarded reports whether a port of this machine was forwarded to it, until the command
	// was interrupted.
	Forwarded bool `json:"forwarded"`
	// Service is the Kubernetes Service that the port leads to, and Pod its pod when the port
	// was opened. Each is "" if there is none.
	Service string `json:"service,omitempty"`
	Pod     string `json:"pod,omitempty"`
	// Command is the command line by which Polyaxon's own command line uses the address.
	Command string `json:"command,omitempty"`
}

// Sandbox is the state of the sandbox.
type Sandbox struct {
	Running    bool       `json:"running"`
	PID        int        `json:"pid,omitempty"`
	Started    *time.Time `json:"started,omitempty"`
	Directory  string     `json:"directory"`
	Registry   string     `json:"registry,omitempty"`
	Kubernetes string     `json:"kubernetes,omitempty"`
	Polyaxon   string     `json:"polyaxon,omitempty"`
	Platform   string     `json:"platform,omitempty"`
	Isolated   bool       `json:"isolated"`
	Isolation  string     `json:"isolation,omitempty"` // why it is not isolated
	ActiveRuns int        `json:"active_runs"`
	Bytes      int64      `json:"bytes,omitempty"`
}
