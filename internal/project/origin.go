package project

import (
	"cmp"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

// labelPrefix begins the keys of the labels and annotations that slipway writes.
const labelPrefix = operation.LabelPrefix

// The keys in a run's meta_info for the user who started the run, and for its commit and ref.
// A commit may end in -dirty.
const (
	MetaActor  = "slipway_actor"
	MetaCommit = "slipway_commit"
	MetaRef    = "slipway_ref"
)

// MetaJob is the key in a run's meta_info for the job that it was submitted for. A program can rename its run. Runs
// that earlier versions of slipway submitted have none.
const MetaJob = "slipway_job"

// MetaGate is the key in a run's meta_info for whether its metrics meet what its job requires. A run
// without it was submitted for a job that required nothing.
const (
	MetaGate    = "slipway_gate"
	GatePending = "pending" // nothing has checked its metrics
	GateMet     = "met"
	GateFailed  = "failed"
	GateNone    = "none" // its job required nothing when it was checked last
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
	note("ref", cmp.Or(lookup("GITHUB_REF"), gitLabRef(lookup)))
	note("workflow", cmp.Or(lookup("GITHUB_WORKFLOW_REF"), gitLabConfig(lookup)))
	note("workflow-run", WorkflowRun(p.Lookup))
	return o
}

// gitLabRef returns the ref of a pipeline of GitLab as git names it, or "". See
// docs.gitlab.com/ci/variables/predefined_variables.
func gitLabRef(lookup func(string) string) string {
	if lookup("GITLAB_CI") != "true" {
		return ""
	}
	for _, ref := range []struct{ prefix, variable string }{{"", "CI_MERGE_REQUEST_REF_PATH"}, {"refs/tags/", "CI_COMMIT_TAG"}, {"refs/heads/", "CI_COMMIT_BRANCH"}} {
		if name := lookup(ref.variable); name != "" {
			return ref.prefix + name
		}
	}
	return ""
}

// gitLabConfig returns the project of a pipeline of GitLab, its file and the ref, or "".
func gitLabConfig(lookup func(string) string) string {
	project, ref := lookup("CI_PROJECT_PATH"), gitLabRef(lookup)
	if project == "" || ref == "" {
		return ""
	}
	return project + "/" + cmp.Or(lookup("CI_CONFIG_PATH"), ".gitlab-ci.yml") + "@" + ref
}

// Workflow returns the address of the workflow of GitHub, or of the file of GitLab, that this process
// belongs to, with its ref, or "". lookup reads an environment variable.
func Workflow(lookup func(string) (string, bool)) string {
	get := func(name string) string { value, _ := lookup(name); return value }
	server, file := get("GITHUB_SERVER_URL"), get("GITHUB_WORKFLOW_REF")
	if get("GITLAB_CI") == "true" {
		server, file = get("CI_SERVER_URL"), gitLabConfig(get)
	}
	if server == "" || file == "" {
		return ""
	}
	return server + "/" + file
}

// WorkflowRun returns the address of the run of the GitHub workflow, or of the job of GitLab, that this
// process belongs to, or "". lookup reads an environment variable.
func WorkflowRun(lookup func(string) (string, bool)) string {
	if gitLab, _ := lookup("GITLAB_CI"); gitLab == "true" {
		job, _ := lookup("CI_JOB_URL")
		return job
	}
	server, _ := lookup("GITHUB_SERVER_URL")
	repository, _ := lookup("GITHUB_REPOSITORY")
	id, _ := lookup("GITHUB_RUN_ID")
	if server == "" || repository == "" || id == "" {
		return ""
	}
	address := server + "/" + repository + "/actions/runs/" + id
	if attempt, _ := lookup("GITHUB_RUN_ATTEMPT"); attempt != "" && attempt != "1" {
		address += "/attempts/" + attempt // without it, the page is that of the newest attempt
	}
	return address
}

// actor returns the actor of the workflow, or else the user and the machine as
// user@machine. If only one of the two is known, it returns that one, and "" if neither
// is.
func (e *Env) actor() string {
	for _, name := range []string{"GITHUB_ACTOR", "GITLAB_USER_LOGIN"} {
		if actor, ok := e.Lookup(name); ok && actor != "" {
			return actor
		}
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
