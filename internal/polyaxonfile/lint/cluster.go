package lint

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/source"
)

// Kind is a kind of object that a run may need from its cluster.
type Kind string

// The kinds.
const (
	Secret      Kind = "secret"
	ConfigMap   Kind = "config map"
	VolumeClaim Kind = "volume claim"
	// Connection is an entry of the Polyaxon agent's catalog.
	Connection     Kind = "connection"
	ServiceAccount Kind = "service account"
	PriorityClass  Kind = "priority class"
)

// Inventory reports what exists where runs go. Its methods may be called concurrently.
type Inventory interface {
	// Has reports whether an object exists, or may exist: without the permission to look, the
	// answer is true.
	Has(ctx context.Context, kind Kind, name string) bool
	// Names returns the known names of a kind. They are used to suggest a similar name.
	Names(ctx context.Context, kind Kind) []string
	// HasKey reports whether a Secret or a ConfigMap that exists has a key, or may have it.
	HasKey(ctx context.Context, kind Kind, name, key string) bool
	// Keys returns the known keys of a Secret or a ConfigMap. They are used to suggest a
	// similar key.
	Keys(ctx context.Context, kind Kind, name string) []string
	// Unusable says why no run can use an object that exists, in words that follow its name.
	// It returns "" if nothing is known against it.
	Unusable(ctx context.Context, kind Kind, name string) string
}

// These rules report missing objects. ExceedsMachine is the rule that reports requests
// above what the sandbox's machine has, and ExceedsCluster above what a cluster has.
const (
	MissingSecret      = "missing-secret"
	MissingVolumeClaim = "missing-volume-claim"
	MissingConnection  = "missing-connection"
	ExceedsMachine     = "exceeds-machine"
	ExceedsCluster     = "exceeds-cluster"
)

// rule returns the name of the rule that reports missing objects of the kind.
func (k Kind) rule() string { return "missing-" + strings.ReplaceAll(string(k), " ", "-") }

// stage returns the stage at which a run fails when it lacks an object of the kind.
func (k Kind) stage() file.Stage {
	if k == Connection {
		return file.StageCompile
	}
	return file.StageRun
}

func clusterRules() []Rule {
	missing := func(kind Kind, summary, help string) Rule {
		return Rule{Name: kind.rule(), Severity: file.SeverityError, Stage: kind.stage(), Summary: summary, Help: help,
			check: func(p *pass) { missingFrom(p, kind) }}
	}
	return []Rule{
		missing(Secret, "A Secret that is not found in the cluster",
			"The pod stays in CreateContainerConfigError, or waits for its volume, until the run times out. A key that the Secret does not have has the same effect, and is reported too. "+
				"If something in the cluster makes the Secret once the run is there, ignore the finding: then deploy does not refuse the job either. A pull secret that is missing is a warning, because an image may be public, or on the node already. "+
				"Secrets of slipway.yaml count as present, because deploy syncs them first. References with `optional: true` are ignored. "+
				"A name that a template makes is checked after the template is rendered with the params of the job in slipway.yaml."),
		missing(ConfigMap, "A ConfigMap that is not found in the cluster", "The pod does not start. Create it, or correct the name. A key that the ConfigMap does not have is reported too."),
		missing(VolumeClaim, "A PersistentVolumeClaim that is not found in the cluster", "The run stays pending. Create the claim, or correct its name. A claim that has lost its volume or is being deleted is reported, too. deploy creates the claim that `volume.create` of slipway.yaml describes, so that one counts as present."),
		missing(Connection, "A connection that is not found in the agent's catalog",
			"The run fails when it is compiled. Connections are set up with Polyaxon's Helm chart; their names are in the ConfigMap of the agent, where check reads them."),
		missing(ServiceAccount, "A ServiceAccount that is not found in the cluster",
			"Kubernetes refuses to create the pod, and the run stays pending. Create the ServiceAccount in the namespace of the run, or correct `environment.serviceAccountName`."),
		missing(PriorityClass, "A PriorityClass that is not found in the cluster", "Kubernetes refuses to create the pod. Correct `environment.priorityClassName`, or leave it out."),
		{Name: ExceedsCluster, Severity: file.SeverityError, Stage: file.StageRun,
			Summary: "A job asks for more than the cluster has",
			Help:    "deploy refuses a job whose pods no node, resource quota or limit range of the cluster lets start: they would wait until the run times out. Ask for less, or ignore the finding if you know better, for example if something in the cluster adds nodes when the run is there. A comment before the first key of the Polyaxonfile also counts for what slipway.yaml asks for, such as `gpu`."},
		{Name: ExceedsMachine, Severity: file.SeverityError, Stage: file.StageRun,
			Summary: "A job asks for more than the sandbox's machine has",
			Help:    "On the sandbox a job runs on this machine, and one that asks for a GPU, processors or memory that the machine does not have can never run. Set `gpu: 0` for the job in an environment of slipway.yaml, ask for less, or deploy to a cluster."},
	}
}

// missingFrom reports the objects of a kind that the unit names and the cluster does not
// have.
func missingFrom(p *pass, kind Kind) {
	if p.options.Cluster == nil {
		return
	}
	for _, n := range p.needs() {
		if n.kind != kind || templated(n.name) {
			continue
		}
		for _, m := range n.missing(p, p.options.Cluster) {
			p.value(m.path, m.hint, "%s", m.message).Severity = n.severity()
		}
	}
}

// Missing returns findings for objects that the file names literally and that the cluster
// does not have. It runs no other rules. c is the operation that slipway.yaml makes of the
// file, or nil if that is not known. What slipway.yaml replaces in it is not reported.
func Missing(ctx context.Context, f *file.File, c *compile.Compiled, cluster Inventory) []Finding {
	p := &pass{file: f}
	var all []Finding
	for _, n := range literalNeeds(f, c) {
		for _, m := range n.missing(ctx, cluster) {
			all = append(all, p.lacks(n, m, m.path))
		}
	}
	return suppress(f, all)
}

// MissingRendered returns findings for objects that the run needs, that the file does not
// name literally, and that the cluster does not have. The compiled operation c has the
// names. If a template made a name, its finding has the position of the template. If
// slipway.yaml added it, the finding has no position. A pull secret that slipway.yaml added
// is not reported, because pods start without it.
func MissingRendered(ctx context.Context, f *file.File, c *compile.Compiled, cluster Inventory) []Finding {
	p := &pass{file: f}
	var all []Finding
	for _, n := range renderedNeeds(f, c) {
		for _, m := range n.missing(ctx, cluster) {
			if found := p.lacks(n.need, m, n.place(f, m)); !Ignores(f, found.Rule, found.Position) {
				all = append(all, found)
			}
		}
	}
	return all
}

// place returns the path in the file of what made a lack: of the template of a name or a key, or
// of the name or key itself if a template made only the other. It returns nil if slipway.yaml or
// a preset added the need.
func (n renderedNeed) place(f *file.File, m lack) []string {
	if at := templateOf(f, m.path); at != nil {
		return at
	}
	made := n.template != nil
	for _, key := range n.keys {
		made = made || templateOf(f, key.path) != nil
	}
	if !made {
		return nil
	}
	_, component := f.Component()
	for _, base := range [][]string{component, nil} {
		if at := extend(base, m.path...); text(valueAt(f.Root(), at)) != "" {
			return at
		}
	}
	return n.template
}

// lacks returns the finding for what the cluster does not have of an object. It has the
// position of a path in the file, or none if the path is nil.
func (p *pass) lacks(n need, m lack, path []string) Finding {
	found := Finding{Error: source.Error{Message: m.message, Hint: m.hint}, Rule: n.kind.rule(), Severity: n.severity(), Stage: n.kind.stage()}
	if path != nil {
		at := p.file.At(path...)
		found.Position, found.Length, found.Line = at, p.length(at), p.file.Line(at)
	}
	return found
}

// templateOf returns the path in the file of the template that produced the value at a
// path of the compiled operation. It returns nil when the value does not come from a
// template.
func templateOf(f *file.File, compiled []string) []string {
	_, component := f.Component()
	for _, base := range [][]string{nil, component} {
		path := extend(base, compiled...)
		for n := range path {
			if templated(text(valueAt(f.Root(), path[:n+1]))) {
				return path[:n+1]
			}
		}
	}
	return nil
}
