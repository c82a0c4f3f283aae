// Package config reads slipway.yaml: text becomes a typed, located and validated
// Config, or errors that name file, line and column.
package config

import (
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/source"
)

// Config is a slipway.yaml that is free of errors, with one of its environments
// laid over it where one was asked for.
type Config struct {
	// Path is the file, Dir its directory; both absolute.
	Path, Dir string
	// Environment is the one laid over the rest, "" for none.
	Environment string

	// Project is the Polyaxon project; the name of Dir where the file names none.
	Project string
	// Registry is the prefix of image references; "" for the sandbox's registry.
	Registry string
	// Cluster is nil for the sandbox's cluster.
	Cluster *Cluster
	// Polyaxon is nil for the one in the cluster, or the sandbox's.
	Polyaxon *Polyaxon
	// Bucket is a gs:// URL, "" for none.
	Bucket   string
	Images   map[string]*Image
	Secrets  map[string]*Secret
	Jobs     map[string]*Job
	Services map[string]*Job
	// Volume is nil when Polyaxonfiles see to the persistent volume themselves.
	Volume *Volume
	// Prices is nil when runs have no cost.
	Prices *Prices
	// MLflow is nil for none.
	MLflow    *MLflow
	Manifests []string
	// References is nil when urlRef leads to public addresses only.
	References *References

	positions map[string]source.Position
}

// Cluster is access to Kubernetes, by exactly one of GKE and Kubeconfig.
type Cluster struct {
	GKE        *GKE
	Kubeconfig *Kubeconfig
	Namespace  string
	// CreateNamespace has the namespace created when it does not exist.
	CreateNamespace bool
}

// References says where Polyaxonfiles may have their components from.
type References struct{ Hosts []string }

// Prices are what one hour of one piece of a resource costs, by its name in
// Kubernetes; memory by GB, as memory-gb.
type Prices struct {
	Currency string
	PerHour  map[string]float64
}

// Volume is what stands for the persistent volume, by exactly one of its fields.
type Volume struct{ Connection, Claim string }

// MLflow is a tracking server. Password is a secret source, "" for none.
type MLflow struct{ TrackingURI, Experiment, Username, Password string }

// GKE names a cluster of Google Kubernetes Engine.
type GKE struct{ Project, Location, Name string }

// Kubeconfig names a context of a kubeconfig file; both may be left out.
type Kubeconfig struct{ Path, Context string }

// Polyaxon is the address of a Polyaxon server. Token is a secret source.
type Polyaxon struct{ Host, Token, Owner string }

// Image says what an image is made of.
type Image struct {
	Name       string
	Go         *GoImage
	Python     *PythonImage
	Dockerfile string
	BuildArgs  map[string]string
	// BuildSecrets are sources by id; SSH offers the agent, and Git lets .git in.
	BuildSecrets        map[string]string
	SSH, Git            bool
	Target              string
	Base                string
	Files               []string
	Workdir, User       string
	Owner               string
	Env                 map[string]string
	Entrypoint, Command []string
	Tags, Platforms     []string
}

// GoImage is a Go program: package Main, on Base (scratch when empty).
type GoImage struct{ Main, Base string }

// PythonImage is a Python program's base and locked requirements. Version and
// Interpreter are those of the base's Python; empty for what the base says.
type PythonImage struct {
	Base, Requirements, Version, Interpreter string
	// Extras and Groups are optional dependencies of the lock's project, FromSource are
	// packages that are built, and Wheels is a directory of wheels.
	Extras, Groups, FromSource []string
	Wheels                     string
}

// Kind gives "go", "python", "dockerfile" or "files".
func (i *Image) Kind() string {
	switch {
	case i.Go != nil:
		return "go"
	case i.Python != nil:
		return "python"
	case i.Dockerfile != "":
		return "dockerfile"
	}
	return "files"
}

// Secret is a Kubernetes Secret: either Data, from key to secret source, or the
// credentials of a Docker registry.
type Secret struct {
	Name           string
	Data           map[string]string
	DockerRegistry *DockerRegistry
}

// DockerRegistry is what an imagePullSecret is made of.
type DockerRegistry struct{ Server, ServiceAccountKey string }

// Job is a job or, when Service is set, a service. It has exactly one of
// Polyaxonfile and Component.
type Job struct {
	Name                           string
	Polyaxonfile, Component, Image string
	After                          []string
	Params                         map[string]any
	// GPU is the number of GPUs: nil leaves the Polyaxonfile's, 0 removes them.
	GPU *int
	// Timeout is a whole number of seconds, 0 for none.
	Timeout time.Duration
	// Matrix is "expand" when slipway makes the runs of a matrix.
	Matrix string
	// OnCancel is "stop" or "leave".
	OnCancel string
	Presets  []string
	// Credentials, when it is not nil, says whether to add the credential snippet.
	Credentials *bool
	Service     bool
}

// At gives where the value with this path of keys stands, or its nearest parent
// that the file has.
func (c *Config) At(path ...string) source.Position {
	for n := len(path); n > 0; n-- {
		if at, ok := c.positions[strings.Join(path[:n], "\x00")]; ok {
			return at
		}
	}
	return source.Position{File: c.Path}
}

// Sandboxed tells whether runs go to the sandbox: nothing names a Polyaxon, or a
// cluster that has one.
func (c *Config) Sandboxed() bool { return c.Polyaxon == nil && c.Cluster == nil }
