package check

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// io checks what Polyaxon checks when it reads an input or an output.
func (v *validator) io(m map[string]any, p *file.Place) {
	name, _ := m["name"].(string)
	if slices.Contains([]string{"globals", "params", "connections"}, name) {
		path, at := v.child(p, "name")
		v.fail("reserved-input", at.At, path, "the name is reserved: templates have a variable of this name", "the name of an input or output cannot be %s", name)
	}
	kind, isText := m["type"].(string)
	known := types.Names(v.version)
	if isText && (v.isVersion1() || !template.Has(kind)) && !slices.Contains(known, kind) {
		path, at := v.child(p, "type")
		stage := file.StageCompile
		if v.isVersion1() {
			stage = file.StageSubmit
		}
		v.add(stage, file.SeverityError, "unknown-type", at.At, path, suggestType(kind, known), "unknown input or output type %s", kind)
	}
	if fitBool(m["isFlag"]) != mismatch && isTrue(m["isFlag"]) && kind != "bool" {
		path, at := v.child(p, "isFlag")
		v.fail("flag-no-bool", at.At, path, "set type: bool", "%s has isFlag, which requires type bool", name)
	}
	if optional, given := m["isOptional"]; m["value"] != nil && given && optional == false {
		path, at := v.child(p, "isOptional")
		v.fail("default-of-required", at.At, path, "remove isOptional, or set it to true", "%s has a default value but is not optional", name)
	}
}

// param checks that the value of a param that refers to another run is text.
func (v *validator) param(m map[string]any, p *file.Place) {
	if _, isText := m["value"].(string); m["ref"] != nil && m["ref"] != "" && !isText {
		path, at := v.child(p, "ref")
		v.fail("wrong-type", at.At, path, "write value: outputs.NAME, or another value of the run", "with ref, value must be text, not %s", typeName(m["value"]))
	}
}
