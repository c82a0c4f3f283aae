package polyaxonfile

import (
	"slices"
)

// ioTypes are the types of inputs and outputs; 1.11.3 lacks the last two.
var ioTypes = []string{
	"any", "int", "float", "bool", "str", "dict", "dict_of_dicts", "uri", "auth", "list", "gcs", "s3", "wasb", "dockerfile", "git",
	"image", "event", "artifacts", "path", "metric", "metadata", "date", "datetime", "uuid", "file", "tensorboard",
}

// io checks what Polyaxon checks of an input or an output when it reads one.
func (v *validator) io(m map[string]any, p *place) {
	name, _ := m["name"].(string)
	if slices.Contains([]string{"globals", "params", "connections"}, name) {
		path, at := v.below(p, "name")
		v.fail("reserved-input", at.at, path, "templates have a variable of this name", "an input or output may not be called %s", name)
	}
	kind, isText := m["type"].(string)
	known := ioTypes
	if v.old() {
		known = ioTypes[:len(ioTypes)-2]
	}
	if isText && (v.old() || !templated(kind)) && !slices.Contains(known, kind) {
		path, at := v.below(p, "type")
		stage := StageCompile
		if v.old() {
			stage = StageSubmit
		}
		v.add(stage, SeverityError, "unknown-type", at.at, path, meantType(kind, known), "%s is no type of an input or output", kind)
	}
	if fitBool(m["isFlag"]) != wrong && isTrue(m["isFlag"]) && kind != "bool" {
		path, at := v.below(p, "isFlag")
		v.fail("flag-no-bool", at.at, path, "set type: bool", "%s is a flag, which only a bool can be", name)
	}
	if optional, given := m["isOptional"]; m["value"] != nil && given && optional == false {
		path, at := v.below(p, "isOptional")
		v.fail("default-of-required", at.at, path, "remove isOptional, or set it to true", "%s has a default value and is not optional", name)
	}
}

// param: a value that refers to another run is a text.
func (v *validator) param(m map[string]any, p *place) {
	if _, isText := m["value"].(string); m["ref"] != nil && m["ref"] != "" && !isText {
		path, at := v.below(p, "ref")
		v.fail("wrong-type", at.at, path, "write value: outputs.NAME, or what else of the run is meant", "beside ref, value must be text, not %s", typeName(m["value"]))
	}
}
