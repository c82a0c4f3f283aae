package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// Need is an object that a run needs from its cluster.
type Need struct {
	Kind Kind
	Name string
	// Keys are the keys of the object that the run names.
	Keys []string
}

// Needs returns the objects that the runs of a file need, each of them once. c is the
// operation that slipway.yaml makes of the file, or nil if that is not known.
func Needs(f *file.File, c *compile.Compiled) []Need {
	needs := literalNeeds(f, c)
	if c != nil {
		for _, n := range renderedNeeds(f, c) {
			needs = append(needs, n.need)
		}
	}
	var all []Need
	for _, n := range needs {
		if n.name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(other Need) bool { return other.Kind == n.kind && other.Name == n.name })
		if i < 0 {
			i, all = len(all), append(all, Need{Kind: n.kind, Name: n.name})
		}
		for _, key := range n.keys {
			if !templated(key.name) && !slices.Contains(all[i].Keys, key.name) {
				all[i].Keys = append(all[i].Keys, key.name)
			}
		}
	}
	return all
}

// needsOf returns what the operations and components of a file need.
func needsOf(f *file.File) []need {
	var all []need
	for _, u := range units(f) {
		all = append(all, u.needs()...)
	}
	return all
}

// literalNeeds returns what a file needs and names without templates, except what the
// compiled operation does not need any more. Of a dag, or if c is nil, it returns all.
func literalNeeds(f *file.File, c *compile.Compiled) []need {
	var kept map[string]bool
	if c != nil && c.Schedule() == "" {
		kept = map[string]bool{}
		for _, n := range compiledNeeds(c) {
			kept[n.identity()] = true
		}
	}
	return slices.DeleteFunc(needsOf(f), func(n need) bool { return templated(n.identity()) || kept != nil && !kept[n.identity()] })
}

// compiledNeeds returns what a compiled operation needs. The paths are those of the
// operation.
func compiledNeeds(c *compile.Compiled) []need {
	var root map[string]any
	if json.Unmarshal(c.JSON(), &root) != nil {
		return nil // slipway wrote this JSON: it is valid
	}
	u := unit{component: root}
	u.find()
	return u.needs()
}

// renderedNeed is a need of a compiled operation that its file does not name literally.
type renderedNeed struct {
	need
	// template is the path in the file of the template that made the name. It is nil if
	// slipway.yaml or a preset added the need.
	template []string
}

// renderedNeeds returns what a compiled operation needs and its file does not name
// literally. It leaves out pull secrets that are added, because pods start without them.
func renderedNeeds(f *file.File, c *compile.Compiled) []renderedNeed {
	literal := map[string]bool{}
	for _, n := range needsOf(f) {
		literal[n.identity()] = true
	}
	var all []renderedNeed
	for _, n := range compiledNeeds(c) {
		template := templateOf(f, n.path)
		if template != nil || !literal[n.identity()] && !n.pull {
			all = append(all, renderedNeed{n, template})
		}
	}
	return all
}

// need is an object that a run needs from its cluster, and the path that names it.
type need struct {
	kind Kind
	name string
	path []string
	// keys are the keys of the object that the run needs, with their paths.
	keys []neededKey
	// pull reports whether the object is a pull secret.
	pull bool
}

// neededKey is a key of a Secret or a ConfigMap.
type neededKey struct {
	name string
	path []string
}

// identity returns a text that two needs for the same object and keys share.
func (n need) identity() string {
	words := []string{string(n.kind), n.name}
	for _, key := range n.keys {
		words = append(words, key.name)
	}
	return strings.Join(words, "\x00")
}

// severity returns how bad it is that the object is missing. A pod starts without a pull
// secret if its image is public, or on the node already.
func (n need) severity() file.Severity {
	if n.pull {
		return file.SeverityWarning
	}
	return file.SeverityError
}

// lack is the message for something that the cluster does not have, and the path that
// names it.
type lack struct {
	message, hint string
	path          []string
}

// missing returns what the cluster does not have of the object: the whole object, or some
// of its keys.
func (n need) missing(ctx context.Context, cluster Inventory) []lack {
	if n.name == "" {
		return nil
	}
	if !cluster.Has(ctx, n.kind, n.name) {
		return []lack{{fmt.Sprintf("%s %s not found in the cluster of the run", n.kind, n.name), n.hint(cluster.Names(ctx, n.kind)), n.path}}
	}
	if why := cluster.Unusable(ctx, n.kind, n.name); why != "" {
		return []lack{{fmt.Sprintf("%s %s %s", n.kind, n.name, why), "", n.path}}
	}
	var all []lack
	for _, key := range n.keys {
		if key.name == "" || templated(key.name) {
			continue
		}
		if !cluster.HasKey(ctx, n.kind, n.name, key.name) {
			hint := keyHint(key.name, cluster.Keys(ctx, n.kind, n.name))
			all = append(all, lack{fmt.Sprintf("%s %s has no key %s", n.kind, n.name, key.name), hint, key.path})
		}
	}
	return all
}

// hint returns the hint for an object that the cluster does not have. names are those of the kind that it
// has; of Secrets, they are those of slipway.yaml.
func (n need) hint(names []string) string {
	if hint := didYouMean(n.name, names); hint != "" {
		return hint
	}
	switch {
	case n.pull:
		return "the run starts only if its image can be pulled without it"
	case n.kind == Secret:
		return "declare it in secrets of slipway.yaml, or correct the name"
	case len(names) == 1:
		return "there is only " + names[0]
	case len(names) > 0 && len(names) <= maxShownNames:
		return "there are " + strings.Join(names, ", ")
	case n.kind == Connection:
		return "connections are set up with Polyaxon's Helm chart"
	}
	return ""
}

// keyHint returns the hint for a key that an object does not have.
func keyHint(key string, keys []string) string {
	if hint := didYouMean(key, keys); hint != "" {
		return hint
	}
	if len(keys) == 0 || len(keys) > maxShownNames {
		return ""
	}
	return "its keys are " + strings.Join(keys, ", ")
}

// maxShownNames is the largest number of names that a hint lists.
const maxShownNames = 10

// needs returns what the pods of the unit need, except what is optional.
func (u unit) needs() []need {
	var all []need
	for _, pod := range u.pods() {
		all = append(all, podNeeds(pod)...)
	}
	for _, c := range u.containers() {
		all = append(all, containerNeeds(c)...)
	}
	return all
}

// podNeeds returns what a pod needs beside its containers.
func podNeeds(pod container) []need {
	var all []need
	for i, element := range list(pod.values["connections"]) {
		all = append(all, need{kind: Connection, name: text(element), path: extend(pod.path, "connections", itoa(i))})
	}
	for i, element := range list(pod.values["init"]) {
		all = appendNeed(all, Connection, element, "connection", extend(pod.path, "init", itoa(i)))
	}
	for i, element := range list(pod.values["volumes"]) {
		volume, path := mapping(element), extend(pod.path, "volumes", itoa(i))
		all = appendNeed(all, Secret, volume["secret"], "secretName", extend(path, "secret"))
		all = appendNeed(all, ConfigMap, volume["configMap"], "name", extend(path, "configMap"))
		all = appendNeed(all, VolumeClaim, volume["persistentVolumeClaim"], "claimName", extend(path, "persistentVolumeClaim"))
		for j, from := range list(mapping(volume["projected"])["sources"]) {
			one, path := mapping(from), extend(path, "projected", "sources", itoa(j))
			all = appendNeed(all, Secret, one["secret"], "name", extend(path, "secret"))
			all = appendNeed(all, ConfigMap, one["configMap"], "name", extend(path, "configMap"))
		}
	}
	environment, path := mapping(pod.values["environment"]), extend(pod.path, "environment")
	for i, element := range list(environment["imagePullSecrets"]) {
		all = append(all, need{kind: Secret, name: text(element), path: extend(path, "imagePullSecrets", itoa(i)), pull: true})
	}
	all = appendNeed(all, ServiceAccount, environment, "serviceAccountName", path)
	return appendNeed(all, PriorityClass, environment, "priorityClassName", path)
}

// containerNeeds returns what a container's variables need.
func containerNeeds(c container) []need {
	var all []need
	for i, element := range list(c.values["env"]) {
		from, path := mapping(mapping(element)["valueFrom"]), extend(c.path, "env", itoa(i), "valueFrom")
		all = appendNeed(all, Secret, from["secretKeyRef"], "name", extend(path, "secretKeyRef"))
		all = appendNeed(all, ConfigMap, from["configMapKeyRef"], "name", extend(path, "configMapKeyRef"))
	}
	for i, element := range list(c.values["envFrom"]) {
		from, path := mapping(element), extend(c.path, "envFrom", itoa(i))
		all = appendNeed(all, Secret, from["secretRef"], "name", extend(path, "secretRef"))
		all = appendNeed(all, ConfigMap, from["configMapRef"], "name", extend(path, "configMapRef"))
	}
	return all
}

// appendNeed adds the object that a key of holder names, with the keys of it that holder
// names: key, or those of items. It adds nothing for an optional object.
func appendNeed(all []need, kind Kind, holder any, key string, path []string) []need {
	m := mapping(holder)
	if m["optional"] == true || text(m["optional"]) == "true" || text(m[key]) == "" {
		return all
	}
	n := need{kind: kind, name: text(m[key]), path: extend(path, key)}
	if kind != Secret && kind != ConfigMap {
		return append(all, n)
	}
	if name := text(m["key"]); name != "" {
		n.keys = append(n.keys, neededKey{name, extend(path, "key")})
	}
	for i, item := range list(m["items"]) {
		if name := text(mapping(item)["key"]); name != "" {
			n.keys = append(n.keys, neededKey{name, extend(path, "items", itoa(i), "key")})
		}
	}
	return append(all, n)
}
