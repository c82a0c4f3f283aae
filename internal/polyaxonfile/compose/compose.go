// Package compose merges the parts of an operation as a server does: it merges the
// operation into its component by Polyaxon's patch strategies, applies presets and patches to
// it, and turns shortcuts into parts of the run.
package compose

import (
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// notMerged returns the keys of a file that control how it is merged, or that are merged
// in a way of their own.
func notMerged() []string {
	return []string{
		"component", "hubRef", "pathRef", "urlRef", "dagRef", "isPreset", "patchStrategy", "run", "runPatch", "strictParams", "version", "kind",
		"container", "cmd", "env", "resources", "ports", "environment", "init", "connections", "sidecars", "volumes",
	}
}

// Compose merges a shaped file into its component, recursively. The result contains neither
// references nor patches nor shortcuts. Errors have Polyaxon's wording.
func (s *Composer) Compose(local map[string]any) (map[string]any, error) {
	effective := map[string]any{}
	if component, ok := local["component"].(map[string]any); ok {
		var err error
		if effective, err = s.Compose(component); err != nil {
			return nil, err
		}
	} else if local["hubRef"] != nil || local["pathRef"] != nil || local["urlRef"] != nil || local["dagRef"] != nil {
		return nil, errors.New("Collect the Polyaxonfile reference before composing its local fields.") //nolint:staticcheck // Polyaxon's words
	}
	local = plain.Clone(local)
	strategy, _ := local["patchStrategy"].(string)
	if strategy == "" {
		strategy = postMerge
	}
	strict := effective["strictParams"] == true || local["strictParams"] == true
	layered := map[string]any{}
	for key, value := range local {
		if !slices.Contains(notMerged(), key) {
			layered[key] = value
		}
	}
	s.merge(s.Tables.Object("operation"), effective, layered, strategy)
	// Keys that an operation does not have, such as inputs and outputs, belong to the
	// component.
	for key, value := range layered {
		if _, here, _ := s.Tables.Object("operation").Find(key, s.Version); !here {
			field, _, _ := s.Tables.Object("component").Find(key, s.Version)
			effective[key] = s.mergeValue(s.Tables.Object("component"), key, field.Type, effective[key], value, strategy)
		}
	}
	if !s.Version.Before(schema.ShortcutsSince()) {
		effective["strictParams"] = strict
	}
	if effective["version"] == nil && local["version"] != nil {
		effective["version"] = local["version"]
	}
	if run, ok := local["run"]; ok {
		patched, err := s.mergeRun(effective["run"], run, strategy)
		if err != nil {
			return nil, err
		}
		effective["run"] = patched
	}
	run, err := s.shortcuts(effective["run"], local, strategy)
	if err != nil {
		return nil, err
	}
	if over, ok := local["runPatch"].(map[string]any); ok && len(over) > 0 {
		if run == nil {
			return nil, errors.New("runPatch requires a resolved runtime.") //nolint:staticcheck // Polyaxon's words
		}
		if err := s.patchRun(run, over, strategy); err != nil {
			return nil, err
		}
	}
	if run != nil {
		effective["run"] = run
	}
	return effective, nil
}
