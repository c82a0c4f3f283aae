package project

import "github.com/slipway-ci/slipway/internal/polyaxonfile/operation"

// labelPrefix begins the keys of the labels and annotations that slipway writes.
const labelPrefix = operation.LabelPrefix

// The keys in a run's meta_info for the user who started the run, and for its commit and ref.
// A commit may end in -dirty.
const (
	MetaActor  = "slipway_actor"
	MetaCommit = "slipway_commit"
	MetaRef    = "slipway_ref"
)

// Origin describes where an operation came from. It is not part of the operation's
// identity: the same inputs from another commit are the same run.
type Origin struct {
	// Labels and Annotations are added to the run's pods.
	Labels, Annotations map[string]string
	// Tags and Meta are the tags and the meta_info of the run.
	Tags []string
	Meta map[string]any
}

// Origin returns the commit, the ref, the workflow and the user who runs slipway, as far
// as they are known.
func (p *Project) Origin() Origin {
	o := Origin{Labels: map[string]string{}, Annotations: map[string]string{}, Tags: []string{"slipway"}, Meta: map[string]any{}}
	note := func(key, value string) {
		if value != "" {
			o.Annotations[labelPrefix+key] = value
			o.Meta["slipway_"+key] = value
		}
	}
	if r := p.Revision(); r.Commit != "" {
		commit := r.Commit
		if !r.Clean {
			commit += "-dirty" // as in git describe --dirty
		}
		o.Labels[labelPrefix+"commit"] = commit
		o.Meta[MetaCommit] = commit
		o.Tags = append(o.Tags, r.Commit[:min(12, len(r.Commit))])
	}
	lookup := func(name string) string { value, _ := p.Lookup(name); return value }
	if actor := p.actor(); actor != "" {
		o.Meta[MetaActor] = actor
	}
	if head := p.PullRequest().Head; head != "" {
		note("head", head)
		o.Tags = append(o.Tags, head[:min(12, len(head))])
	}
	note("ref", lookup("GITHUB_REF"))
	note("workflow", lookup("GITHUB_WORKFLOW_REF"))
	note("workflow-run", WorkflowRun(p.Lookup))
	return o
}

// WorkflowRun returns the address of the run of the GitHub workflow that this process belongs to,
// or "". lookup reads an environment variable.
func WorkflowRun(lookup func(string) (string, bool)) string {
	server, _ := lookup("GITHUB_SERVER_URL")
	repository, _ := lookup("GITHUB_REPOSITORY")
	id, _ := lookup("GITHUB_RUN_ID")
	if server == "" || repository == "" || id == "" {
		return ""
	}
	return server + "/" + repository + "/actions/runs/" + id
}

// actor returns the actor of the workflow, or else the user and the machine as
// user@machine. If only one of the two is known, it returns that one, and "" if neither
// is.
func (e *Env) actor() string {
	if actor, ok := e.Lookup("GITHUB_ACTOR"); ok && actor != "" {
		return actor
	}
	for _, name := range []string{"USER", "USERNAME", "LOGNAME"} {
		if user, ok := e.Lookup(name); ok && user != "" && e.Machine != "" {
			return user + "@" + e.Machine
		} else if ok && user != "" {
			return user
		}
	}
	return e.Machine
}
