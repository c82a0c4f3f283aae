package cluster

import (
	"testing"

	authorization "k8s.io/api/authorization/v1"
)

// A rule gives a right only if it is for all objects or the named one, and for the
// subresource itself.
func TestRightInRule(t *testing.T) {
	rule := func(groups, resources, verbs, names []string) authorization.ResourceRule {
		return authorization.ResourceRule{APIGroups: groups, Resources: resources, Verbs: verbs, ResourceNames: names}
	}
	core, all, list := []string{""}, []string{"*"}, []string{"list", "get"}
	pods := Right{Verb: "list", Resource: "pods"}
	own := Right{Verb: "get", Resource: "secrets", Name: "own"}
	logs := Right{Verb: "get", Resource: "pods", Subresource: "log"}
	for what, test := range map[string]struct {
		right Right
		rule  authorization.ResourceRule
		want  bool
	}{
		"the resource":          {pods, rule(core, []string{"services", "pods"}, list, nil), true},
		"everything":            {logs, rule(all, all, all, nil), true},
		"another group":         {pods, rule([]string{"apps"}, all, list, nil), false},
		"another verb":          {pods, rule(core, all, []string{"watch"}, nil), false},
		"only one pod":          {pods, rule(core, all, list, []string{"a"}), false},
		"the named object":      {own, rule(core, []string{"secrets"}, list, []string{"a", "own"}), true},
		"another object":        {own, rule(core, []string{"secrets"}, list, []string{"a"}), false},
		"all objects":           {own, rule(core, []string{"secrets"}, list, nil), true},
		"the subresource":       {logs, rule(core, []string{"pods/log"}, list, nil), true},
		"that of all resources": {logs, rule(core, []string{"*/log"}, list, nil), true},
		"without a subresource": {logs, rule(core, []string{"pods"}, list, nil), false},
		"only the subresource":  {pods, rule(core, []string{"pods/log"}, list, nil), false},
	} {
		if got := test.right.isIn(test.rule); got != test.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
