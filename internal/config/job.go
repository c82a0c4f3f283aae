package config

import "time"

// MatrixExpand is the value of Matrix with which slipway makes the runs of a matrix, and
// OnCancelLeave the value of OnCancel that leaves the run of an interrupted command running.
const (
	MatrixExpand  = "expand"
	OnCancelLeave = "leave"
)

// Job is a job or, if Service is set, a service.
type Job struct {
	Name    string
	Service bool
	// Served is the model that a service serves, once its run is known.
	Served Served

	Polyaxonfile string            `yaml:"polyaxonfile" doc:"Path of the Polyaxonfile" form:"path" oneof:"yes"`
	Component    string            `yaml:"component" doc:"Component that ships with slipway, instead of a Polyaxonfile" names:"components" oneof:"yes"`
	Image        string            `yaml:"image" doc:"Image of this file; fills the input DOCKER_IMAGE"`
	After        []string          `yaml:"after" only:"jobs" doc:"Jobs that must have succeeded before"`
	Data         []string          `yaml:"data" doc:"Entries of data that it needs: deploy copies them before, and a job runs again when one has changed; when left out, a job needs all and a service none, and [] is none"`
	Params       map[string]any    `yaml:"params" doc:"Values for the Polyaxonfile's inputs; secret:env:NAME for one that is a secret; in a job, {ref: ops.JOB, value: outputs.NAME} for one that another job puts out"`
	Matrix       string            `yaml:"matrix" only:"jobs" doc:"Who makes the runs of a matrix: Polyaxon's server, or slipway, which expands it and needs no server that takes one" enum:"server,expand" default:"server"`
	Require      map[string]string `yaml:"require" only:"jobs" form:"condition" doc:"What the metrics of the run must meet, by name, such as \">= 0.9\" or \"<= base + 1%\"; deploy fails otherwise, and nothing comes after the job"`
	// Artifacts are patterns of .dockerignore, by the names of what they stand for.
	Artifacts map[string]string `yaml:"artifacts" only:"jobs" form:"pattern" doc:"What the run leaves that is copied to bucket once it has succeeded, by name: a pattern of paths in the run's directory, such as outputs/model/**"`
	// GPU is nil to keep what the Polyaxonfile asks for.
	GPU *int `yaml:"gpu" doc:"Number of GPUs; 0 removes the Polyaxonfile's"`
	// Timeout is a whole number of seconds, or 0 for no limit.
	Timeout  time.Duration `yaml:"timeout" doc:"Time limit, such as 90s, 6h or 2d"`
	OnCancel string        `yaml:"on-cancel" only:"jobs" doc:"What becomes of the run when the command is interrupted" enum:"stop,leave" default:"stop"`
	Presets  []string      `yaml:"presets" doc:"Preset files to lay over the Polyaxonfile" form:"path"`
	// Credentials is nil to add the parts of the snippet whose secrets exist.
	Credentials *bool `yaml:"credentials" doc:"Whether to add the Google Cloud credential snippet; when left out, a cluster gets it, and the sandbox the parts whose Secrets slipway.yaml names"`
	// MLflow is nil for true.
	MLflow *bool `yaml:"mlflow" doc:"Whether it gets the tracking server of mlflow; with false, the server is not started for it; true when left out"`
}
