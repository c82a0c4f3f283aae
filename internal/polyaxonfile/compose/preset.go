package compose

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Patch applies a preset to an operation, as servers do when a run is created from another
// run. Both are YAML or JSON; the result is JSON. The preset's patchStrategy determines
// which values win. Patch returns an error if one of the texts cannot be read.
func Patch(operation, preset []byte) ([]byte, error) {
	below, problems := file.Load("operation", operation)
	if below.Root() == nil {
		return nil, fmt.Errorf("read the operation: %w", file.Errors(problems))
	}
	over, problems := file.Load("preset", preset)
	if over.Root() == nil {
		return nil, fmt.Errorf("read the preset: %w", file.Errors(problems))
	}
	patch := plain.Clone(over.Root())
	delete(patch, "isPreset")
	strategy, _ := patch["patchStrategy"].(string)
	patched := ApplyPreset(below.Root(), patch, strategy)
	if strategy != "" {
		patched["patchStrategy"] = strategy // servers also use it to apply runPatch to the run
	}
	return json.Marshal(patched)
}

// ApplyPreset applies a preset to an operation by one of Polyaxon's strategies; "" stands for
// post_merge. A runPatch that does not fit the run is still added: checking the operation
// reports it.
func ApplyPreset(base, over map[string]any, strategy string) map[string]any {
	file, preset := plain.Clone(base), plain.Clone(over)
	if strategy == "" {
		strategy = postMerge
	}
	preset["patchStrategy"] = strategy
	s, err := New(schema.Newest())
	if err == nil {
		err = s.Preset(file, preset)
	}
	if runPatch, ok := preset["runPatch"]; err != nil && ok {
		file["runPatch"] = mergeAny(file["runPatch"], runPatch, strategy)
	}
	return file
}

// Preset applies a preset to a file. Both are shaped. It changes the file.
func (s *Composer) Preset(file, over map[string]any) error {
	strategy, _ := over["patchStrategy"].(string)
	if strategy == "" {
		strategy = postMerge
	}
	own := map[string]any{}
	for key, value := range over {
		switch key {
		case "kind", "version", "isPreset", "hubRef", "dagRef", "urlRef", "pathRef", "component", "run", "cmd", "runPatch", "patchStrategy":
		default:
			if value != nil || s.Version.Major != 1 { // 1.11.3 clears nothing
				own[key] = value
			}
		}
	}
	s.merge(s.File(file), file, own, strategy)
	if cmd, ok := over["cmd"]; ok && (file["cmd"] == nil || strategy == postMerge || strategy == replace) {
		file["cmd"] = cmd
	}
	native := s.nativeRun(file)
	if run, ok := over["run"].(map[string]any); ok {
		own, _ := file["run"].(map[string]any)
		switch {
		case run["kind"] == nil && own == nil && native == nil:
			file["run"] = run
		case run["kind"] == nil && native != nil:
			if own == nil {
				own = map[string]any{"kind": native["kind"]}
			}
			if err := s.patchRunAs(native, own, run, strategy); err != nil {
				return err
			}
			file["run"] = own
		default:
			patched, err := s.mergeRun(file["run"], run, strategy)
			if err != nil {
				return err
			}
			file["run"] = patched
		}
	}
	value, ok := over["runPatch"].(map[string]any)
	if !ok {
		return nil
	}
	old, ok := file["runPatch"].(map[string]any)
	switch {
	case !ok:
		file["runPatch"] = value
	case native == nil && strategy == replace:
		file["runPatch"] = value
	case native != nil:
		own := plain.Clone(old)
		own["kind"] = native["kind"]
		if err := s.patchRun(own, value, strategy); err != nil {
			return err
		}
		delete(own, "kind")
		file["runPatch"] = own
	}
	return nil
}

// nativeRun returns the run of a file or of its component. It returns nil when neither
// has a run with a kind.
func (s *Composer) nativeRun(file map[string]any) map[string]any {
	if run, ok := file["run"].(map[string]any); ok && run["kind"] != nil {
		return run
	}
	if component, ok := file["component"].(map[string]any); ok {
		return s.nativeRun(component)
	}
	return nil
}
