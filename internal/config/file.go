package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The types below are slipway.yaml as it is written. The decoder and the JSON
// schema are both made from them: `yaml` names the key, `doc` describes it,
// `required`, `enum` and `pattern` constrain it, `path` marks a path inside the
// repository. `default` and `names` are for editors.

type fileSpec struct {
	Project      string                   `yaml:"project" doc:"Polyaxon project, created when missing; the directory's name when left out" pattern:"slug"`
	Registry     string                   `yaml:"registry" doc:"Prefix of image references, such as asia.gcr.io/acme-ml/team-a; the sandbox's registry when left out"`
	Cluster      *clusterSpec             `yaml:"cluster" doc:"Kubernetes cluster; the sandbox's when left out"`
	Polyaxon     *polyaxonSpec            `yaml:"polyaxon" doc:"Polyaxon server; the sandbox's when left out"`
	Bucket       string                   `yaml:"bucket" doc:"Cloud Storage bucket, as gs://NAME" pattern:"bucket"`
	Images       map[string]*imageSpec    `yaml:"images" doc:"Images to build, by name" pattern:"slug"`
	Secrets      map[string]*secretSpec   `yaml:"secrets" doc:"Kubernetes Secrets to sync, by name" pattern:"dns"`
	Jobs         map[string]*jobSpec      `yaml:"jobs" doc:"Jobs to run, by name" pattern:"slug"`
	Services     map[string]*serviceSpec  `yaml:"services" doc:"Services that up and down start and stop, by name" pattern:"slug"`
	Volume       *volumeSpec              `yaml:"volume" doc:"What stands for the persistent volume, /polyaxon-v1-data; the sandbox has its own"`
	MLflow       *mlflowSpec              `yaml:"mlflow" doc:"MLflow's tracking server, for jobs and services"`
	Prices       *pricesSpec              `yaml:"prices" doc:"What resources cost, for the cost of runs in reports"`
	Manifests    []string                 `yaml:"manifests" doc:"Files or directories of Kubernetes manifests that serve the model" path:"yes"`
	References   *referencesSpec          `yaml:"references" doc:"Where the urlRef of a Polyaxonfile may lead"`
	Environments map[string]*overlaidSpec `yaml:"environments" doc:"Values that --env NAME lays over the rest" pattern:"slug"`
}

// overlaidSpec stands for fileSpec without environments; the decoder knows.
type overlaidSpec struct{}

type clusterSpec struct {
	GKE        *gkeSpec        `yaml:"gke" doc:"A cluster of Google Kubernetes Engine"`
	Kubeconfig *kubeconfigSpec `yaml:"kubeconfig" doc:"A context of a kubeconfig file"`
	Namespace  string          `yaml:"namespace" doc:"Namespace of Polyaxon's runs; polyaxon-v1 when left out" pattern:"dns" default:"polyaxon-v1"`
	Create     bool            `yaml:"create-namespace" doc:"Create the namespace when it does not exist"`
}

type referencesSpec struct {
	Hosts []string `yaml:"hosts" doc:"Hosts that a urlRef may be redirected to, and that may have private addresses" required:"yes" pattern:"host"`
}

type volumeSpec struct {
	Connection string `yaml:"connection" doc:"A connection of Polyaxon, such as fstore-pvc"`
	Claim      string `yaml:"claim" doc:"A PersistentVolumeClaim in Polyaxon's namespace" pattern:"dns"`
}

type mlflowSpec struct {
	TrackingURI string `yaml:"tracking-uri" doc:"Address, such as https://mlflow.acme.dev" required:"yes" pattern:"url"`
	Experiment  string `yaml:"experiment" doc:"Name of the experiment"`
	Username    string `yaml:"username" doc:"User name"`
	Password    string `yaml:"password" doc:"Secret source of the password, such as env:MLFLOW_PASSWORD" pattern:"source"`
}

type pricesSpec struct {
	Currency string             `yaml:"currency" doc:"Currency of the prices; USD when left out" default:"USD"`
	PerHour  map[string]float64 `yaml:"per-hour" doc:"Price of one hour of one piece of a resource: cpu, memory-gb (10^9 bytes), nvidia.com/gpu or another that containers ask for" required:"yes"`
}

type gkeSpec struct {
	Project  string `yaml:"project" doc:"Google Cloud project" required:"yes"`
	Location string `yaml:"location" doc:"Region or zone" required:"yes"`
	Name     string `yaml:"name" doc:"Name of the cluster" required:"yes"`
}

type kubeconfigSpec struct {
	Path    string `yaml:"path" doc:"Path of the file, from the directory of slipway.yaml; kubectl's default when left out"`
	Context string `yaml:"context" doc:"Context to use; the file's current one when left out"`
}

type polyaxonSpec struct {
	Host  string `yaml:"host" doc:"Address, such as https://polyaxon.acme.dev" required:"yes" pattern:"url"`
	Token string `yaml:"token" doc:"Secret source of the API token, such as env:POLYAXON_TOKEN" pattern:"source"`
	Owner string `yaml:"owner" doc:"Organization; default when left out" default:"default"`
}

type imageSpec struct {
	Go           *goSpec           `yaml:"go" doc:"A Go program, built static"`
	Python       *pythonSpec       `yaml:"python" doc:"A Python program with locked requirements"`
	Dockerfile   string            `yaml:"dockerfile" doc:"A Dockerfile, built by BuildKit" path:"yes"`
	BuildArgs    map[string]string `yaml:"build-args" doc:"Build arguments of the Dockerfile"`
	BuildSecrets map[string]string `yaml:"build-secrets" doc:"Secrets of the Dockerfile's RUN --mount=type=secret, from their id to their secret source" pattern:"source"`
	SSH          bool              `yaml:"ssh" doc:"Offer the SSH agent to RUN --mount=type=ssh"`
	Git          bool              `yaml:"git" doc:"Let the Dockerfile's context have .git, without its configuration and hooks, for programs that read the version there"`
	Target       string            `yaml:"target" doc:"Stage of the Dockerfile"`
	Base         string            `yaml:"base" doc:"Base image of files; none when left out"`
	Files        []string          `yaml:"files" doc:"Files and directories of the repository to put into the image" path:"yes"`
	Workdir      string            `yaml:"workdir" doc:"Working directory, and where files go; /app when left out" default:"/app"`
	User         string            `yaml:"user" doc:"User that the image runs as"`
	Owner        string            `yaml:"owner" doc:"User and group of the files, by number, such as 1000:1000; root when left out" pattern:"owner"`
	Env          map[string]string `yaml:"env" doc:"Environment variables"`
	Entrypoint   []string          `yaml:"entrypoint" doc:"Entry point; a Go program's binary when left out"`
	Command      []string          `yaml:"command" doc:"Default arguments"`
	Tags         []string          `yaml:"tags" doc:"Tags besides those that slipway gives"`
	Platforms    []string          `yaml:"platforms" doc:"Platforms such as linux/amd64; the cluster's when left out" pattern:"platform"`
}

type goSpec struct {
	Main string `yaml:"main" doc:"Path of the main package, such as ./cmd/train" required:"yes" path:"yes"`
	Base string `yaml:"base" doc:"Base image; none when left out"`
}

type pythonSpec struct {
	Base         string   `yaml:"base" doc:"Base image that has Python" required:"yes"`
	Requirements string   `yaml:"requirements" doc:"Lock file with hashes: requirements.txt, uv.lock, poetry.lock or pylock.toml" required:"yes" path:"yes"`
	Version      string   `yaml:"version" doc:"Version of the base's Python, such as 3.12; what the base says when left out" pattern:"python"`
	Interpreter  string   `yaml:"interpreter" doc:"Path of Python in the base; the first python3 on its PATH when left out"`
	Extras       []string `yaml:"extras" doc:"Extras of uv.lock, poetry.lock or pylock.toml to install"`
	Groups       []string `yaml:"groups" doc:"Dependency groups of uv.lock, poetry.lock or pylock.toml to install besides those that are for all"`
	FromSource   []string `yaml:"build-from-source" doc:"Packages that have no wheel: they are built from their source distributions, and must be pure Python"`
	Wheels       string   `yaml:"wheels" doc:"Directory of the repository whose wheels are taken instead of those of the lock" path:"yes"`
}

type secretSpec struct {
	Data           map[string]string   `yaml:"data" doc:"Keys, and the secret source of each: env:NAME, file:PATH or gcp-secret-manager:projects/P/secrets/S" pattern:"source"`
	DockerRegistry *dockerRegistrySpec `yaml:"docker-registry" doc:"Credentials to pull images with"`
}

type dockerRegistrySpec struct {
	Server            string `yaml:"server" doc:"Address of the registry" required:"yes"`
	ServiceAccountKey string `yaml:"service-account-key" doc:"Secret source of a Google service account key" required:"yes" pattern:"source"`
}

type jobSpec struct {
	Polyaxonfile string         `yaml:"polyaxonfile" doc:"Path of the Polyaxonfile" path:"yes"`
	Component    string         `yaml:"component" doc:"Component that ships with slipway, instead of a Polyaxonfile" names:"components"`
	Image        string         `yaml:"image" doc:"Image of this file; fills the input DOCKER_IMAGE"`
	After        []string       `yaml:"after" doc:"Jobs that must have succeeded before"`
	Params       map[string]any `yaml:"params" doc:"Values for the Polyaxonfile's inputs; secret:env:NAME for one that is a secret, {ref: ops.JOB, value: outputs.NAME} for one that another job puts out"`
	Matrix       string         `yaml:"matrix" doc:"Who makes the runs of a matrix: Polyaxon's server, or slipway, which expands it and needs no server that takes one" enum:"server,expand" default:"server"`
	GPU          *int           `yaml:"gpu" doc:"Number of GPUs; 0 removes the Polyaxonfile's"`
	Timeout      duration       `yaml:"timeout" doc:"Time limit, such as 90s, 6h or 2d"`
	OnCancel     string         `yaml:"on-cancel" doc:"What becomes of the run when the command is interrupted" enum:"stop,leave" default:"stop"`
	Presets      []string       `yaml:"presets" doc:"Preset files to lay over the Polyaxonfile" path:"yes"`
	Credentials  *bool          `yaml:"credentials" doc:"Whether to add the Google Cloud credential snippet; when left out, the parts whose secrets there are"`
}

type serviceSpec struct {
	Polyaxonfile string         `yaml:"polyaxonfile" doc:"Path of the Polyaxonfile" path:"yes"`
	Component    string         `yaml:"component" doc:"Component that ships with slipway, instead of a Polyaxonfile" names:"components"`
	Image        string         `yaml:"image" doc:"Image of this file; fills the input DOCKER_IMAGE"`
	Params       map[string]any `yaml:"params" doc:"Values for the Polyaxonfile's inputs; secret:env:NAME for one that is a secret"`
	GPU          *int           `yaml:"gpu" doc:"Number of GPUs; 0 removes the Polyaxonfile's"`
	Timeout      duration       `yaml:"timeout" doc:"Time limit, such as 90s, 6h or 2d"`
	Presets      []string       `yaml:"presets" doc:"Preset files to lay over the Polyaxonfile" path:"yes"`
	Credentials  *bool          `yaml:"credentials" doc:"Whether to add the Google Cloud credential snippet; when left out, the parts whose secrets there are"`
}

// duration is written as Go writes durations, or in days.
type duration time.Duration

var durationPattern = regexp.MustCompile(`^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`)

// parseDuration reads 90s, 1h30m or 2d: positive, in whole seconds.
func parseDuration(text string) (time.Duration, bool) {
	if text == "" || !durationPattern.MatchString(text) {
		return 0, false
	}
	var days time.Duration
	rest := text
	if before, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n > 10000 {
			return 0, false
		}
		days, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest == "" {
		return days, days > 0
	}
	d, err := time.ParseDuration(rest)
	return d + days, err == nil && d+days > 0
}

// patterns are what names must look like, and how an error says it.
var patterns = map[string]struct {
	expression *regexp.Regexp
	meaning    string
}{
	"slug":     {regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`), "small letters, digits and dashes, at most 63"},
	"dns":      {regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`), "small letters, digits, dashes and dots, as Kubernetes demands"},
	"url":      {regexp.MustCompile(`^https?://[^/\s]+(/\S*)?$`), "an address that begins with https:// or http://"},
	"host":     {regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$|^[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*$`), "the name or the address of a host, without https:// and port"},
	"bucket":   {regexp.MustCompile(`^gs://[a-z0-9][-_.a-z0-9]{1,220}[a-z0-9]/?$`), "gs:// and the bucket's name"},
	"owner":    {regexp.MustCompile(`^[0-9]{1,9}(:[0-9]{1,9})?$`), "a user's number, or a user's and a group's, such as 1000:1000"},
	"python":   {regexp.MustCompile(`^3\.[0-9]{1,2}$`), "a version such as 3.12"},
	"platform": {regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+(/v[0-9]+)?$`), "a platform such as linux/amd64"},
}
