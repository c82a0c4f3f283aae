// Package report has the types of what slipway reports. A Result is what a command found
// or did. An Event is one thing that happens meanwhile. The types are part of the API of
// package tasks; how they are printed is not.
package report

import (
	"encoding/json"
)

// Result is what one command found or did. With -o json it is printed as one object.
// Sections that do not apply to a command are left out.
type Result struct {
	Command     string `json:"command"`
	Project     string `json:"project,omitempty"`
	Environment string `json:"environment,omitempty"`
	// Names are what the command was asked for by name: jobs, images, or files of check. It is
	// empty if that is all.
	Names []string `json:"names,omitempty"`
	// Seconds, ExitCode and Error are set by App.Run of tasks/cli when the task has returned.
	// Secret values in Error are masked when it is printed.
	Seconds  float64 `json:"seconds"`
	ExitCode int     `json:"exit_code"`
	Error    string  `json:"error,omitempty"`

	// LeftOut is what the command did not do, as the workflow gets no secrets. What it would have
	// done is in the other sections, as in a plan.
	LeftOut *LeftOut `json:"left_out,omitempty"`

	Images []Image `json:"images,omitempty"`
	// CreateNamespace is the namespace that would be created for the secrets, or "".
	CreateNamespace string    `json:"create_namespace,omitempty"`
	Secrets         []Secret  `json:"secrets,omitempty"`
	Volumes         []Volume  `json:"volumes,omitempty"`
	Data            []DataSet `json:"data,omitempty"`
	Jobs            []Job     `json:"jobs,omitempty"`
	// Manifests are the objects of the manifests.
	Manifests []Manifest `json:"manifests,omitempty"`
	// Served are the models that are served.
	Served []Served `json:"served,omitempty"`
	Runs   []Run    `json:"runs,omitempty"`
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
