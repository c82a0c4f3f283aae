// Package report has the types of what slipway reports. A Result is what a command found
// or did. An Event is one thing that happens meanwhile. The types are part of the API of
// package tasks; how they are printed is not.
package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// Result is what one command found or did. With -o json it is printed as one object.
// Sections that do not apply to a command are left out.
type Result struct {
	Command     string  `json:"command"`
	Project     string  `json:"project,omitempty"`
	Environment string  `json:"environment,omitempty"`
	Seconds     float64 `json:"seconds"`
	ExitCode    int     `json:"exit_code"`
	// Error is the error of the command, with secret values masked.
	Error string `json:"error,omitempty"`

	// LeftOut is what the command did not do, as the workflow gets no secrets. What it would have
	// done is in the other sections, as in a plan.
	LeftOut *LeftOut `json:"left_out,omitempty"`

	Images []Image `json:"images,omitempty"`
	// CreateNamespace is the namespace that would be created for the secrets, or "".
	CreateNamespace string   `json:"create_namespace,omitempty"`
	Secrets         []Secret `json:"secrets,omitempty"`
	Volumes         []Volume `json:"volumes,omitempty"`
	Jobs            []Job    `json:"jobs,omitempty"`
	// Manifests are the objects of the manifests.
	Manifests []Manifest `json:"manifests,omitempty"`
	Runs      []Run      `json:"runs,omitempty"`
	// Comparison is what differs between two runs.
	Comparison *Comparison `json:"comparison,omitempty"`
	Problems   []Problem   `json:"problems,omitempty"`
	// Files is how many files check has read.
	Files int `json:"files,omitempty"`
	// Rules describes the rules that problems refer to. Only a check has them.
	Rules     []Rule     `json:"-"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
	// Objects are the objects and buckets that data ls lists.
	Objects []Object `json:"objects,omitempty"`
	// Transfer is what data cp and data sync copied and deleted.
	Transfer *Transfer `json:"transfer,omitempty"`
	Sandbox  *Sandbox  `json:"sandbox,omitempty"`
	// Checks are what doctor has checked.
	Checks []Check `json:"checks,omitempty"`
	// Cluster is the state of the cluster.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Credentials is the access that other clients have.
	Credentials *Credentials `json:"credentials,omitempty"`
	// Init is what init found and wrote.
	Init *Init `json:"init,omitempty"`
	// Dashboards are the pages that were opened on this machine.
	Dashboards []Dashboard `json:"dashboards,omitempty"`
	// Text is printed literally, such as a rendered operation.
	Text string `json:"text,omitempty"`
	// Operation is a rendered operation as JSON.
	Operation json.RawMessage `json:"operation,omitempty"`
	// Changes is how many changes plan found.
	Changes int `json:"changes,omitempty"`
	// Events are what happened, by time. Events of kind Line, Progress and Advance are not
	// among them, nor are Details that are not about a run. There are at most 5000 events,
	// with at most 1 MiB of text. If there are more, the first and the last ones are kept, and
	// EventsOmitted counts the others. An event has at most 4 KiB of text: lines at the end of
	// a longer Message are left out.
	Events        []Event `json:"events,omitempty"`
	EventsOmitted int     `json:"events_omitted,omitempty"`
}

// LeftOut says what a command did not do.
type LeftOut struct {
	Why  string   `json:"why"`
	What []string `json:"what,omitempty"`
	// Changes says that the changes in the other sections are among what was left out. A plan
	// makes no changes, so it leaves out none.
	Changes bool `json:"changes,omitempty"`
}

// Image is an image that was, or would be, built and pushed, or that is in the registry.
type Image struct {
	Name      string     `json:"name"`
	Reference string     `json:"reference,omitempty"` // by digest
	Digest    string     `json:"digest,omitempty"`
	Tags      []string   `json:"tags,omitempty"`
	Changed   []string   `json:"changed,omitempty"` // files, packages and settings that differ from the last image's
	Action    Action     `json:"action,omitempty"`  // push, build, tag, pushed, tagged, up-to-date, unknown
	Bytes     int64      `json:"bytes,omitempty"`   // of all layers, compressed
	Sent      int64      `json:"sent_bytes,omitempty"`
	Layers    int        `json:"layers,omitempty"`
	Created   *time.Time `json:"created,omitempty"`
}

// Secret is a Kubernetes Secret that was, or would be, synced. It has the names of keys
// and what is done to each, but never a value.
type Secret struct {
	Name   string            `json:"name"`
	Action Action            `json:"action"` // create, update, unchanged, prune, unknown
	Keys   map[string]string `json:"keys,omitempty"`
	// Users are what runs and uses the Secret, as far as it is visible. They are looked for
	// only if a value changes.
	Users []SecretUser `json:"users,omitempty"`
}

// Manifest is an object of a manifest that was, or would be, applied.
type Manifest struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Action Action `json:"action"` // create, update, replace, unchanged, prune, left, rolled-back, unknown
	// Reason says why the object is replaced or left.
	Reason string `json:"reason,omitempty"`
	// Diff shows how the object changes, with masked secrets.
	Diff string `json:"diff,omitempty"`
}

// SecretUser is something that runs and uses a Secret. It may keep the Secret's old value
// until it is restarted.
type SecretUser struct {
	Kind string `json:"kind"` // service, Deployment, StatefulSet, DaemonSet, Pod
	Name string `json:"name"`
	// Run is the UUID of the run of Polyaxon that it is, or belongs to.
	Run       string `json:"run,omitempty"`
	Restarted bool   `json:"restarted,omitempty"`
}

// Volume is the PersistentVolumeClaim of slipway.yaml. Size, Access and Class are those of
// the claim that is there, or of the one that would be created.
type Volume struct {
	Claim  string `json:"claim"`
	Action Action `json:"action"` // create, unchanged, differs, unknown
	Size   string `json:"size,omitempty"`
	Access string `json:"access,omitempty"`
	Class  string `json:"class,omitempty"`
	// Status is the phase of the claim: Bound, Pending or Lost.
	Status string `json:"status,omitempty"`
	// Differences are what the claim that is there has that slipway.yaml does not say, and
	// what to do about it.
	Differences []string `json:"differences,omitempty"`
}

// Job is a job or service of slipway.yaml, and its run.
type Job struct {
	Name   string `json:"name"`
	Action Action `json:"action,omitempty"` // submit, submitted, attach, attached, up-to-date, skip, unknown
	After  string `json:"after,omitempty"`
	Diff   string `json:"diff,omitempty"`
	Run
	// Runs are the runs of a matrix that slipway expanded, sorted by BestBy. Run is their
	// summary then.
	Runs   []Run    `json:"runs,omitempty"`
	BestBy *Ranking `json:"best_by,omitempty"`
	// Requirements are what the job requires of its metrics.
	Requirements []Requirement `json:"requirements,omitempty"`
	// Base is the run of the job to compare with, in a workflow for a pull request.
	Base *Base `json:"base,omitempty"`
}

// Requirement is a condition that a metric of a job must meet.
type Requirement struct {
	Metric    string `json:"metric"`
	Condition string `json:"condition"`
	Met       bool   `json:"met"`
	// Value is the value of the run, and Bound what it was compared with. Each is nil without one.
	Value *float64 `json:"value,omitempty"`
	Bound *float64 `json:"bound,omitempty"`
	// Message gives the values, or says why they cannot be compared.
	Message string `json:"message"`
}

// Comparison is what differs between the runs A and B.
type Comparison struct {
	A           string          `json:"a"`
	B           string          `json:"b"`
	Differences []RunDifference `json:"differences,omitempty"`
	// Same is how many things are the same.
	Same int `json:"same"`
}

// RunDifference is one difference of two runs. A value is "" if a run has none.
type RunDifference struct {
	Kind string `json:"kind"` // metric, param, run
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Base is the newest run of a job that succeeded on the branch into which a pull request is
// merged.
type Base struct {
	Branch  string             `json:"branch"`
	UUID    string             `json:"uuid"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// Run is a run of Polyaxon.
type Run struct {
	// Number and Params are those of a run of a matrix.
	Number int            `json:"number,omitempty"`
	Params map[string]any `json:"params,omitempty"`

	UUID    string `json:"uuid,omitempty"`
	RunName string `json:"run_name,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Status  string `json:"status,omitempty"`
	// Pending is what the run waits for before it is scheduled, such as approval.
	Pending string     `json:"pending,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Message string     `json:"message,omitempty"`
	Created *time.Time `json:"created,omitempty"`
	// Times is nil if the command does not report times.
	*Times
	// Age, in seconds since the run was created, and GPUs are set for a run that has not
	// ended. Owner is the user who submitted the run.
	Age   float64 `json:"age_seconds,omitempty"`
	Owner string  `json:"owner,omitempty"`
	GPUs  int     `json:"gpus,omitempty"`
	// Cost is the cost of the run so far, by the prices of slipway.yaml.
	Cost    *Cost              `json:"cost,omitempty"`
	Failure *Failure           `json:"failure,omitempty"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
	// MLflow are the runs of MLflow that the run has made. Their metrics are among Metrics, too, unless
	// Polyaxon has one of the name.
	MLflow  []MLflowRun `json:"mlflow,omitempty"`
	Outputs []string    `json:"outputs,omitempty"`
	// OutputsAt is where the outputs are: a directory of this machine, or the command that
	// downloads them.
	OutputsAt string   `json:"outputs_at,omitempty"`
	LastLines []string `json:"last_lines,omitempty"`
	// LastLinesOf is the container that printed the last lines, or "" for the main one.
	LastLinesOf string            `json:"last_lines_of,omitempty"`
	Address     string            `json:"address,omitempty"` // of a service, or of the run's page
	Inputs      map[string]any    `json:"inputs,omitempty"`
	History     []Transition      `json:"history,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
}

// MLflowRun is a run of MLflow. Address is that of its page, "" if only the cluster can reach it.
type MLflowRun struct {
	ID         string             `json:"run_id"`
	Name       string             `json:"name,omitempty"`
	Experiment string             `json:"experiment_id"`
	Address    string             `json:"address,omitempty"`
	Metrics    map[string]float64 `json:"metrics,omitempty"`
}

// Times says how a run spent its time, in seconds. A value is nil, and null in JSON, if
// it is unknown. If Pulling is nil, Queued is all the time until the run began.
type Times struct {
	Queued  *float64 `json:"queued_seconds"`
	Pulling *float64 `json:"pulling_seconds"`
	Running *float64 `json:"running_seconds"`
}

// Failure says how the container ended that made a run fail.
type Failure struct {
	Pod       string `json:"pod,omitempty"`
	Container string `json:"container,omitempty"`
	ExitCode  *int   `json:"exit_code,omitempty"`
	OOMKilled bool   `json:"oom_killed,omitempty"`
	Evicted   bool   `json:"evicted,omitempty"`
	Text      string `json:"text"`
}

// Cost is an amount of money, or the reason why it is unknown.
type Cost struct {
	Amount   *float64 `json:"amount,omitempty"` // nil if it is unknown
	Currency string   `json:"currency"`
	Unknown  string   `json:"unknown,omitempty"`
}

// String formats the amount, such as "12.34 USD", or returns "unknown".
func (c *Cost) String() string {
	if c.Amount == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f %s", *c.Amount, c.Currency)
}

// Transition is one change of a run's status.
type Transition struct {
	Status  string    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time"`
}

// Artifact is one file of a run.
type Artifact struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	// SavedAs is the path of the downloaded file.
	SavedAs string `json:"saved_as,omitempty"`
}

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
