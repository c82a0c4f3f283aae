package check

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// unknown reports a key that no version has. It returns the key that is probably meant,
// or "".
func (v *validator) unknown(o *schema.Object, key string, path []string, at *file.Place) (meant string) {
	hint := ""
	if at.KeyIsNotText() {
		hint = "YAML reads this key as " + key + "; put it in quotes"
	} else {
		meant, hint = v.suggestKey(o, key)
	}
	stage := v.stage
	if _, _, ofContainer := schema.Kubernetes("SecurityContext").Find(key, v.version); ofContainer && o.Name == "PodSecurityContext" {
		stage, hint = file.StageRun, "only the securityContext of a container has it"
	}
	v.add(stage, file.SeverityError, "unknown-key", at.AtKey(), path, hint, "%s has no key %s", describe(v.path, o.Name), key)
	return meant
}

// otherVersion reports a key or a kind that only another version of Polyaxon has.
func (v *validator) otherVersion(in schema.Range, path []string, at *file.Place, what string) {
	if !in.Before.Any() && !v.version.Before(in.Before) {
		v.fail("removed-key", at.AtKey(), path, fmt.Sprintf("removed in Polyaxon %s", in.Before.Release()), "%s", what)
		return
	}
	v.fail("newer-key", at.AtKey(), path, fmt.Sprintf("added in Polyaxon %s", in.Since.Release()), "%s", what)
}

// misspelled reports a key that Polyaxon reads as another key.
func (v *validator) misspelled(o *schema.Object, key string, path []string, at *file.Place) {
	switch {
	case o.Kubernetes:
		v.add(file.StageAdvice, file.SeverityWarning, "key-spelling", at.AtKey(), path, "write it as "+key, "%s is not the spelling that Kubernetes uses", at.Spelled)
	case v.isVersion1():
		v.unknown(o, at.Spelled, path, at)
	default:
		v.add(file.StageAdvice, file.SeverityWarning, "key-spelling", at.AtKey(), path, "write it as "+key, "%s is not the spelling that Polyaxon uses; Polyaxon 1 refuses it", at.Spelled)
	}
}

// orderedKeys returns a mapping's keys in the order of the file if it is known, and else
// sorted.
func orderedKeys(m map[string]any, p *file.Place) []string {
	if p != nil && len(p.Keys) == len(m) {
		return p.Keys
	}
	return plain.Keys(m)
}
