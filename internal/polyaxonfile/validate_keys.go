package polyaxonfile

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// unknown tells of a key that no version has, and gives the key that is meant, ""
// where that is not known.
func (v *validator) unknown(o *schema.Object, key string, path []string, at *place) (meant string) {
	hint := ""
	if at.note&keyIsNoText != 0 {
		hint = "YAML reads this key as " + key + "; put it in quotes"
	} else {
		meant, hint = v.meantKey(o, key)
	}
	stage := v.stage
	if _, _, ofContainer := schema.Kubernetes("SecurityContext").Find(key, v.version); ofContainer && o.Name == "PodSecurityContext" {
		stage, hint = StageRun, "only the securityContext of a container has it"
	}
	v.add(stage, SeverityError, "unknown-key", keyOf(at), path, hint, "%s has no key %s", describe(v.path, o.Name), key)
	return meant
}

// otherVersion tells of what another version of Polyaxon has.
func (v *validator) otherVersion(in schema.Range, path []string, at *place, what string) {
	if !in.Before.Any() && !v.version.Before(in.Before) {
		v.fail("removed-key", keyOf(at), path, fmt.Sprintf("it went with Polyaxon %s", in.Before.Release()), "%s", what)
		return
	}
	v.fail("newer-key", keyOf(at), path, fmt.Sprintf("it came with Polyaxon %s", in.Since.Release()), "%s", what)
}

// misspelled tells of a key that Polyaxon takes for another one.
func (v *validator) misspelled(o *schema.Object, key string, path []string, at *place) {
	switch {
	case o.Kubernetes:
		v.add(StageAdvice, SeverityWarning, "key-spelling", keyOf(at), path, "write it as "+key, "%s is not how Kubernetes spells it", at.spelled)
	case v.old():
		v.unknown(o, at.spelled, path, at)
	default:
		v.add(StageAdvice, SeverityWarning, "key-spelling", keyOf(at), path, "write it as "+key, "%s is not how Polyaxon spells it; Polyaxon 1 refuses it", at.spelled)
	}
}

func keyOf(p *place) source.Position {
	if p.key.Line > 0 {
		return p.key
	}
	return p.at
}

// orderedKeys gives a mapping's keys as they stand in the file, else sorted.
func orderedKeys(m map[string]any, p *place) []string {
	if p != nil && len(p.keys) == len(m) {
		return p.keys
	}
	return sortedKeys(m)
}
