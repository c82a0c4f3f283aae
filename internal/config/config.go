// Package config reads slipway.yaml. It turns the text into a typed and validated Config
// that knows the position of each value, or into errors that name the file, line and
// column.
package config

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Config is a valid slipway.yaml, merged with one of its environments if Load was asked
// for one. The fields with tags, and those of the types below, are the keys of the file:
// see key.
type Config struct {
	// Path is the absolute path of the file, and Dir that of its directory.
	Path, Dir string
	// Environment is the name of the environment that was merged in, or "".
	Environment string

	Version int `yaml:"version" doc:"Version of the file's format" enum:"1" default:"1" fileonly:"yes"`
	// Project defaults to a name made from that of Dir.
	Project string `yaml:"project" doc:"Polyaxon project, created when missing; the directory's name when left out" form:"slug"`
	// Registry is "" for the sandbox's registry. It does not end in a slash.
	Registry string `yaml:"registry" doc:"Prefix of image references, such as asia.gcr.io/acme-ml/team-a; the sandbox's registry when left out"`
	// RegistryMirrors are hosts with the beginning of a path, by the host of the registry that they
	// mirror.
	RegistryMirrors map[string]string `yaml:"registry-mirrors" doc:"Where the bases of images are read in place of a registry: from its host, such as docker.io, to a host and the beginning of a path" form:"mirror"`
	// SystemMirrors are addresses, by the beginnings of the addresses of apt sources that they stand
	// for.
	SystemMirrors map[string]string `yaml:"system-mirrors" doc:"Where system packages of images are read in place of the repositories of the base's apt sources: from the address in the source to another" form:"url"`
	// AptSources is "" for those of this machine.
	AptSources string    `yaml:"apt-sources" doc:"File of the repository with apt sources, such as debian.sources, for bases apt:RELEASE; this machine's apt sources when left out" form:"path"`
	Cluster    *Cluster  `yaml:"cluster" doc:"Kubernetes cluster; the sandbox's when left out"`
	Polyaxon   *Polyaxon `yaml:"polyaxon" doc:"Polyaxon server; the sandbox's when left out"`
	// Sandbox is nil if the file has no section sandbox.
	Sandbox *Sandbox `yaml:"sandbox" doc:"Settings of the sandbox, which is used in place of a registry, a cluster or a Polyaxon server"`
	// Google is nil if access to Google Cloud needs nothing but what this machine has.
	Google *Google `yaml:"google" doc:"Access to Google Cloud; the credentials of this machine when left out"`
	// Bucket is "" for none.
	Bucket   string              `yaml:"bucket" doc:"Where artifacts of jobs are copied to: a bucket of Cloud Storage, as gs://NAME, or a part of one, as gs://NAME/PREFIX; the sandbox has its own buckets" form:"bucket"`
	Data     map[string]*DataSet `yaml:"data" doc:"Files that deploy copies before the jobs, by name" form:"slug"`
	Images   map[string]*Image   `yaml:"images" doc:"Images to build, by name" form:"slug"`
	Secrets  map[string]*Secret  `yaml:"secrets" doc:"Kubernetes Secrets to sync, by name" form:"dns"`
	Jobs     map[string]*Job     `yaml:"jobs" doc:"Jobs to run, by name" form:"slug"`
	Services map[string]*Job     `yaml:"services" doc:"Services that up and down start and stop, by name" form:"slug"`
	Serve    map[string]*Serve   `yaml:"serve" doc:"What serves the model that a job makes, by name; deploy rolls it out when the model has changed" form:"slug"`
	// Volume is nil if the Polyaxonfiles mount the persistent volume themselves.
	Volume *Volume `yaml:"volume" doc:"What is mounted as the persistent volume, /polyaxon-v1-data; the sandbox has its own"`
	MLflow *MLflow `yaml:"mlflow" doc:"MLflow's tracking server, for jobs and services"`
	// Prices is nil if the cost of runs is not reported.
	Prices    *Prices  `yaml:"prices" doc:"What resources cost, for the cost of runs in reports"`
	Manifests []string `yaml:"manifests" doc:"Files or directories of Kubernetes manifests, or patterns of such paths; deploy applies them after the jobs, and apply does it alone" form:"path"`
	// References is nil if a urlRef may lead to public addresses only.
	References *References `yaml:"references" doc:"Where the urlRef of a Polyaxonfile may lead"`
	// Environments holds each environment as it is written, before the merge. Required keys
	// may be missing.
	Environments map[string]*Config `yaml:"environments" doc:"Values that --env NAME lays over the rest" fileonly:"yes"`

	positions map[string]source.Position
	// names are sorted once, as thousands of references may name something else.
	names Names
}

// Cluster says how to reach Kubernetes.
type Cluster struct {
	GKE             *GKE        `yaml:"gke" doc:"A cluster of Google Kubernetes Engine" oneof:"yes"`
	Kubeconfig      *Kubeconfig `yaml:"kubeconfig" doc:"A context of a kubeconfig file" oneof:"yes"`
	Namespace       string      `yaml:"namespace" doc:"Namespace of Polyaxon's runs; polyaxon-v1 when left out" form:"dns" default:"polyaxon-v1"`
	CreateNamespace bool        `yaml:"create-namespace" doc:"Create the namespace when it does not exist"`
}

// GKE is a cluster of Google Kubernetes Engine. FleetProject is "" for Project.
type GKE struct {
	Project      string `yaml:"project" doc:"Google Cloud project; google.project when left out" form:"project"`
	Location     string `yaml:"location" doc:"Region or zone" required:"yes" form:"region"`
	Name         string `yaml:"name" doc:"Name of the cluster" required:"yes" form:"gke"`
	Endpoint     string `yaml:"endpoint" doc:"How to reach it; the best way that it has when left out" enum:"auto,public,private,dns,fleet" default:"auto"`
	FleetProject string `yaml:"fleet-project" doc:"Project of its fleet, for endpoint: fleet; the cluster's own when left out" form:"project"`
}

// Kubeconfig is a context of a kubeconfig file. Either field may be empty.
type Kubeconfig struct {
	Path    string `yaml:"path" doc:"Path of the file, from the directory of slipway.yaml; kubectl's default when left out, and in a pod without one the pod's service account"`
	Context string `yaml:"context" doc:"Context to use; the file's current one when left out"`
}

// Google says as whom to access Google Cloud. Each field may be empty.
type Google struct {
	Project        string `yaml:"project" doc:"Google Cloud project, for cluster.gke if that names none" form:"project"`
	Credentials    string `yaml:"credentials" doc:"Secret source of a service account key, such as env:GCP_SA_KEY" form:"source"`
	Provider       string `yaml:"workload-identity-provider" doc:"Provider of Workload Identity Federation, as projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"`
	ServiceAccount string `yaml:"service-account" doc:"Service account that the provider's identities impersonate; they have their own roles when left out"`
	IDToken        string `yaml:"id-token" doc:"Environment variable with the OIDC token of the job, such as env:GCP_ID_TOKEN; GitHub is asked for one when left out" form:"source"`
	Audience       string `yaml:"audience" doc:"Audience of the OIDC tokens of GitHub; the provider's default when left out"`
}

// Polyaxon is a Polyaxon server. Token is "" if it needs none.
type Polyaxon struct {
	Host  string `yaml:"host" doc:"Address, such as https://polyaxon.acme.dev" required:"yes" form:"url"`
	Token string `yaml:"token" doc:"Secret source of the API token, such as env:POLYAXON_TOKEN" form:"source"`
	Owner string `yaml:"owner" doc:"Organization; default when left out" default:"default"`
}

// Sandbox configures the sandbox.
type Sandbox struct {
	Polyaxon string `yaml:"polyaxon" doc:"Release of Polyaxon that the sandbox is" form:"text" enum:"1.11.3,2.18" default:"2.18"`
}

// Volume is the persistent volume of the jobs.
type Volume struct {
	Connection string `yaml:"connection" doc:"A connection of Polyaxon, such as fstore-pvc" oneof:"yes"`
	Claim      string `yaml:"claim" doc:"A PersistentVolumeClaim in Polyaxon's namespace" form:"dns" oneof:"yes"`
	Image      string `yaml:"image" doc:"Image of the pod by which data is copied to and from the claim; it has sh, tar and the programs of coreutils or busybox" default:"busybox:1.37.0"`
	// Create is nil if deploy does not create the claim.
	Create *NewClaim `yaml:"create" doc:"The claim that deploy creates when it is missing; the sandbox needs none"`
}

// NewClaim describes a PersistentVolumeClaim. Class is "" for the cluster's default.
type NewClaim struct {
	Size   string `yaml:"size" doc:"Size, such as 100Gi" required:"yes" form:"size"`
	Access string `yaml:"access" doc:"Access mode: ReadWriteMany when pods on several nodes use it" required:"yes" enum:"ReadWriteOnce,ReadWriteMany,ReadWriteOncePod"`
	Class  string `yaml:"class" doc:"StorageClass; the cluster's default when left out" form:"dns"`
}

// Prices holds the price per hour of one unit of each resource, by the resource's name in
// Kubernetes.
type Prices struct {
	Currency string             `yaml:"currency" doc:"Currency of the prices; USD when left out" default:"USD"`
	PerHour  map[string]float64 `yaml:"per-hour" doc:"Price of one hour of one piece of a resource: cpu, memory-gb (10^9 bytes), nvidia.com/gpu or another that containers ask for" required:"yes"`
}

// References limits where Polyaxonfiles may load components from.
type References struct {
	Hosts []string `yaml:"hosts" doc:"Hosts that a urlRef may be redirected to, and that may have private addresses" required:"yes" form:"host"`
}

// At returns the position of the value at the given path of keys, or of its nearest
// parent in the file. It returns the position of the file itself if there is none.
func (c *Config) At(path ...string) source.Position {
	for n := len(path); n > 0; n-- {
		if at, ok := c.positions[strings.Join(path[:n], "\x00")]; ok {
			return at
		}
	}
	return source.Position{File: c.Path}
}

// Sandboxed reports whether runs go to the sandbox. They do if the file names neither a
// Polyaxon server nor a cluster, which would have one.
func (c *Config) Sandboxed() bool { return c.Polyaxon == nil && c.Cluster == nil }
