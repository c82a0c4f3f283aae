package config

import (
	"strings"
	"time"
)

// MLflow is an MLflow tracking server. Password is "" for none.
type MLflow struct {
	TrackingURI string `yaml:"tracking-uri" doc:"Address, such as https://mlflow.acme.dev; service:NAME for a service of this file, which is started when it is needed; cluster for the MLflow in the cluster's namespace" required:"yes" form:"tracking"`
	// Wait is a whole number of seconds, or 0 for DefaultMLflowWait.
	Wait       time.Duration `yaml:"wait" doc:"How long the service of tracking-uri may take until it answers; 10m when left out"`
	Experiment string        `yaml:"experiment" doc:"Name of the experiment"`
	Username   string        `yaml:"username" doc:"User name"`
	Password   string        `yaml:"password" doc:"Secret source of the password, such as env:MLFLOW_PASSWORD" form:"source"`
}

// DefaultMLflowWait is how long the service of tracking-uri may take by default until it
// answers.
const DefaultMLflowWait = 10 * time.Minute

const (
	mlflowService = "service:"
	mlflowCluster = "cluster"
)

// Service returns the name of the service of slipway.yaml that is the tracking server, or ""
// if it is none of them. m may be nil.
func (m *MLflow) Service() string {
	if m == nil {
		return ""
	}
	name, found := strings.CutPrefix(m.TrackingURI, mlflowService)
	if !found {
		return ""
	}
	return name
}

// Found reports whether the tracking server is looked for in the cluster. m may be nil.
func (m *MLflow) Found() bool { return m != nil && m.TrackingURI == mlflowCluster }

// Address returns the address of the tracking server, or "" if slipway.yaml does not have it.
// m may be nil.
func (m *MLflow) Address() string {
	if m == nil || m.Found() || m.Service() != "" {
		return ""
	}
	return m.TrackingURI
}

// Tracks reports whether a job gets the tracking server. The service that is the server does not. m may be nil.
func (m *MLflow) Tracks(j *Job) bool {
	return m != nil && m.Service() != j.Name && (j.MLflow == nil || *j.MLflow)
}

// validateMLflow checks what tracking-uri names.
func (c *Config) validateMLflow(fail func(hint string, path []string, format string, args ...any)) {
	m, at := c.MLflow, []string{"mlflow", "tracking-uri"}
	name := m.Service()
	switch {
	case m == nil:
	case m.Found() && c.Cluster == nil:
		fail("set cluster, name a service of this file as service:NAME, or give the address", at, "mlflow.tracking-uri is cluster, and slipway.yaml has no cluster to find MLflow in")
	case name == "":
		if m.Wait > 0 {
			fail("leave it out", []string{"mlflow", "wait"}, "mlflow.wait is for a service of this file, as in tracking-uri: service:mlflow")
		}
	case c.Jobs[name] != nil:
		fail("move it to services, and give it a Polyaxonfile of kind service", at, "mlflow.tracking-uri names %s, which is a job and not a service", name)
	case c.Services[name] == nil:
		fail(suggest(name, c.names.Services), at, "service %s not found", name)
	case c.Sandboxed() && (m.Username != "" || m.Password != ""):
		fail("leave them out: the sandbox lets only its own jobs and you reach the service", []string{"mlflow", "username"}, "a service of the sandbox asks for a key of its own, so mlflow.username and mlflow.password cannot be passed to it")
	}
}
