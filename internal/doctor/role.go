package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/platform"
)

// manifestOf returns the Role, and the ClusterRole for what is in no namespace, that give a
// user all rights that slipway uses, each with its binding. It leaves out one of which
// nothing is lacking. Each has all rights, not only those that are lacking, so that it
// replaces an earlier one of the same name without a loss. A namespace that deploy would create
// comes first, because a Role cannot be created without it.
func manifestOf(to *platform.Platform, user string, needs, lacking []platform.Need) string {
	var b strings.Builder
	name, namespace := quoted("slipway-"+to.Config.Project), quoted(to.RunNamespace)
	for _, everywhere := range []bool{false, true} {
		elsewhere := func(n platform.Need) bool { return n.Everywhere != everywhere }
		if !slices.ContainsFunc(lacking, func(n platform.Need) bool { return !elsewhere(n) }) {
			continue
		}
		kind, metadata := "Role", fmt.Sprintf("{name: %s, namespace: %s}", name, namespace)
		if everywhere {
			kind, metadata = "ClusterRole", fmt.Sprintf("{name: %s}", name)
		}
		if b.Len() > 0 {
			b.WriteString("---\n")
		}
		if !everywhere && to.Config.Cluster != nil && to.Config.Cluster.CreateNamespace {
			fmt.Fprintf(&b, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n---\n", namespace)
		}
		const version = "apiVersion: rbac.authorization.k8s.io/v1\n"
		fmt.Fprintf(&b, version+"kind: %s\nmetadata: %s\nrules:\n", kind, metadata)
		writeRules(&b, slices.DeleteFunc(slices.Clone(needs), elsewhere))
		fmt.Fprintf(&b, "---\n"+version+"kind: %sBinding\nmetadata: %s\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\nsubjects: [%s]\n",
			kind, metadata, kind, name, subject(user))
	}
	return b.String()
}

// subject returns the subject of a binding for a user, as YAML.
func subject(user string) string {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		if namespace, name, ok := strings.Cut(account, ":"); ok {
			return fmt.Sprintf("{kind: ServiceAccount, name: %s, namespace: %s}", quoted(name), quoted(namespace))
		}
	}
	if user == "" {
		user = "USER" // the server does not tell
	}
	return "{apiGroup: rbac.authorization.k8s.io, kind: User, name: " + quoted(user) + "}"
}

// quoted returns a text as a scalar of YAML, which JSON's strings are.
func quoted(text string) string {
	b, _ := json.Marshal(text) // never fails for a string
	return string(b)
}

// rule is a rule of a Role, with what it is for.
type rule struct {
	purpose, group   string
	resources, verbs []string
	names            []string
}

// writeRules writes the rules for needs, each purpose with a comment.
func writeRules(b *strings.Builder, needs []platform.Need) {
	purpose := ""
	for _, r := range rulesOf(needs) {
		if r.purpose != purpose {
			purpose = r.purpose
			fmt.Fprintf(b, "# %s\n", purpose)
		}
		names := ""
		if len(r.names) > 0 {
			names = ", resourceNames: [" + strings.Join(r.names, ", ") + "]"
		}
		fmt.Fprintf(b, "- {apiGroups: [%s], resources: [%s], verbs: [%s]%s}\n", quoted(r.group), strings.Join(r.resources, ", "), strings.Join(r.verbs, ", "), names)
	}
}

// rulesOf returns rules for needs: one for all verbs on a resource, and for all resources of
// a group with the same verbs.
func rulesOf(needs []platform.Need) []rule {
	var single []rule
	for _, n := range needs {
		resource := n.Resource
		if n.Subresource != "" {
			resource += "/" + n.Subresource
		}
		purpose := n.For
		if n.Optional {
			purpose += "; a deploy works without"
		}
		one := rule{purpose: purpose, group: n.Group, resources: []string{resource}, verbs: []string{n.Verb}}
		if n.Name != "" {
			one.names = []string{quoted(n.Name)}
		}
		at := slices.IndexFunc(single, func(r rule) bool {
			return r.purpose == one.purpose && r.group == one.group && r.resources[0] == resource && slices.Equal(r.names, one.names)
		})
		if at < 0 {
			single = append(single, one)
		} else if !slices.Contains(single[at].verbs, n.Verb) {
			single[at].verbs = append(single[at].verbs, n.Verb)
		}
	}
	byName := merge(single, func(a, b rule) bool {
		return slices.Equal(a.resources, b.resources) && len(a.names) > 0 && len(b.names) > 0
	}, func(to *rule, from rule) { to.names = append(to.names, from.names...) })
	return merge(byName, func(a, b rule) bool { return slices.Equal(a.names, b.names) },
		func(to *rule, from rule) { to.resources = append(to.resources, from.resources...) })
}

// merge merges the rules of the same purpose, group and verbs that same reports.
func merge(rules []rule, same func(a, b rule) bool, add func(to *rule, from rule)) []rule {
	var all []rule
	for _, r := range rules {
		at := slices.IndexFunc(all, func(x rule) bool {
			return x.purpose == r.purpose && x.group == r.group && slices.Equal(x.verbs, r.verbs) && same(x, r)
		})
		if at < 0 {
			all = append(all, r)
		} else {
			add(&all[at], r)
		}
	}
	return all
}
