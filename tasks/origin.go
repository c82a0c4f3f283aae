package tasks

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

// labelPrefix is that of the labels and annotations that slipway writes.
const labelPrefix = operation.LabelPrefix

// metaActor is under what a run keeps who started it.
const metaActor = "slipway_actor"

// origin says where an operation came from. It is told beside the operation, and is
// no part of its identity: another commit with the same inputs is the same run.
type origin struct {
	labels, annotations map[string]string
	tags                []string
	meta                map[string]any
}

// origin gives the commit, the ref and the workflow, as far as they are known.
func (p *project) origin() origin {
	o := origin{labels: map[string]string{}, annotations: map[string]string{}, tags: []string{"slipway"}, meta: map[string]any{}}
	note := func(key, value string) {
		if value != "" {
			o.annotations[labelPrefix+key] = value
			o.meta["slipway_"+key] = value
		}
	}
	if r := p.revision(); r.Commit != "" {
		commit := r.Commit
		if !r.Clean {
			commit += "-dirty" // as git describe says it
		}
		o.labels[labelPrefix+"commit"] = commit
		o.meta["slipway_commit"] = commit
		o.tags = append(o.tags, r.Commit[:min(12, len(r.Commit))])
	}
	lookup := func(name string) string { value, _ := p.Lookup(name); return value }
	if actor := p.actor(); actor != "" {
		o.meta[metaActor] = actor
	}
	note("ref", lookup("GITHUB_REF"))
	note("workflow", lookup("GITHUB_WORKFLOW_REF"))
	if server, repository, id := lookup("GITHUB_SERVER_URL"), lookup("GITHUB_REPOSITORY"), lookup("GITHUB_RUN_ID"); server != "" && repository != "" && id != "" {
		note("workflow-run", server+"/"+repository+"/actions/runs/"+id)
	}
	return o
}

// actor gives who runs slipway: the actor of the workflow, or the user and the
// machine; "" when nobody says.
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

// stamped gives an operation as it is sent: its pods say where they came from.
func (p *project) stamped(operation *operation.Operation) *operation.Operation {
	o := p.origin()
	return fill.Labelled(operation, o.labels, o.annotations)
}
