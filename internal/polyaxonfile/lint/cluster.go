package lint

import (
	"context"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
)

// Kind is what a run may need of its cluster.
type Kind string

// The kinds.
const (
	Secret      Kind = "secret"
	ConfigMap   Kind = "config map"
	VolumeClaim Kind = "volume claim"
	// Connection is an entry of the Polyaxon agent's catalog.
	Connection Kind = "connection"
)

// Inventory tells what there is where runs go. It may be asked by several
// goroutines.
type Inventory interface {
	// Names gives the names of all that there are of a kind, and false where that
	// cannot be known, for want of permission for one.
	Names(ctx context.Context, kind Kind) (names []string, known bool)
}

// Finder is an Inventory that is asked for one thing by its name, after Names.
type Finder interface {
	// Has reports whether it is there, or may be, for all that is known.
	Has(ctx context.Context, kind Kind, name string) bool
}

// MissingSecret is the rule that tells of a Secret that is not there.
const MissingSecret = "missing-secret"

func clusterRules() []Rule {
	missing := func(name string, kind Kind, summary, help string) Rule {
		return Rule{Name: name, Severity: polyaxonfile.SeverityError, Stage: polyaxonfile.StageRun, Summary: summary, Help: help,
			check: func(p *pass) { missingFrom(p, kind) }}
	}
	connection := missing("missing-connection", Connection, "A connection that the agent's catalog does not have",
		"The run fails when it is compiled. Connections are set up with Polyaxon's Helm chart; their names are in the ConfigMap of the agent, where check reads them.")
	connection.Stage = polyaxonfile.StageCompile
	return []Rule{
		missing(MissingSecret, Secret, "A Secret that the cluster does not have",
			"The pod stays in CreateContainerConfigError, or waits for its volume, until the run's time is over. Secrets of slipway.yaml count as there: deploy syncs them first. References with `optional: true` are left alone."),
		missing("missing-config-map", ConfigMap, "A ConfigMap that the cluster does not have", "The pod does not start. Create it, or correct the name."),
		missing("missing-volume-claim", VolumeClaim, "A PersistentVolumeClaim that the cluster does not have", "The run stays pending. Create the claim, or correct its name."),
		connection,
	}
}

// missingFrom holds what the unit names of a kind against what there is.
func missingFrom(p *pass, kind Kind) {
	if p.options.Cluster == nil {
		return
	}
	var needs []need
	for _, n := range p.needs() {
		if n.kind == kind && n.name != "" && !templated(n.name) {
			needs = append(needs, n)
		}
	}
	if len(needs) == 0 {
		return
	}
	names, known := p.options.Cluster.Names(p, kind)
	if !known {
		return
	}
	for _, n := range needs {
		if finder, ok := p.options.Cluster.(Finder); ok && finder.Has(p, kind, n.name) {
			continue
		}
		if !contains(names, n.name) {
			hint := near(n.name, names)
			if hint == "" && kind == Secret {
				hint = "declare it in secrets of slipway.yaml, or correct the name"
			}
			p.value(n.path, hint, "there is no %s %s where the run goes", kind, n.name)
		}
	}
}

// need is one thing that a run needs of its cluster.
type need struct {
	kind Kind
	name string
	path []string
}

func (u unit) needs() []need {
	var all []need
	add := func(kind Kind, holder any, key string, path []string) {
		m := mapping(holder)
		if optional, _ := m["optional"].(bool); !optional {
			all = append(all, need{kind, text(m[key]), extend(path, key)})
		}
	}
	for _, pod := range u.pods() {
		for i, element := range list(pod.values["connections"]) {
			all = append(all, need{Connection, text(element), extend(pod.path, "connections", itoa(i))})
		}
		for i, element := range list(pod.values["init"]) {
			add(Connection, element, "connection", extend(pod.path, "init", itoa(i)))
		}
		for i, element := range list(pod.values["volumes"]) {
			volume, path := mapping(element), extend(pod.path, "volumes", itoa(i))
			add(Secret, volume["secret"], "secretName", extend(path, "secret"))
			add(ConfigMap, volume["configMap"], "name", extend(path, "configMap"))
			add(VolumeClaim, volume["persistentVolumeClaim"], "claimName", extend(path, "persistentVolumeClaim"))
		}
		secrets := mapping(pod.values["environment"])["imagePullSecrets"]
		for i, element := range list(secrets) {
			all = append(all, need{Secret, text(element), extend(pod.path, "environment", "imagePullSecrets", itoa(i))})
		}
	}
	for _, c := range u.containers() {
		for i, element := range list(c.values["env"]) {
			from, path := mapping(mapping(element)["valueFrom"]), extend(c.path, "env", itoa(i), "valueFrom")
			add(Secret, from["secretKeyRef"], "name", extend(path, "secretKeyRef"))
			add(ConfigMap, from["configMapKeyRef"], "name", extend(path, "configMapKeyRef"))
		}
		for i, element := range list(c.values["envFrom"]) {
			from, path := mapping(element), extend(c.path, "envFrom", itoa(i))
			add(Secret, from["secretRef"], "name", extend(path, "secretRef"))
			add(ConfigMap, from["configMapRef"], "name", extend(path, "configMapRef"))
		}
	}
	return all
}
