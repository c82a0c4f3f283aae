package lint

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// imageInput is the input that slipway sets to the reference of a pushed image.
const imageInput = "DOCKER_IMAGE"

func paramRules() []Rule {
	return []Rule{
		{Name: "unused-input", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: unusedInput,
			Summary: "An input is not used",
			Help:    "A value that is passed for the input changes nothing, though the run shows it. Use it in a template, give it `toEnv`, or remove it."},
		{Name: "unused-image-input", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: unusedImageInput,
			Summary: "The input DOCKER_IMAGE is not the container's image",
			Help:    "slipway passes the image that it built as DOCKER_IMAGE. When no container says `image: \"{{ DOCKER_IMAGE }}\"`, the run uses another image than the one that was just built."},
		{Name: "repeated-input", Severity: file.SeverityError, Stage: file.StageAdvice, check: repeatedInput,
			Summary: "An input is declared twice",
			Help:    "Of two inputs with the same name one silently wins. Remove one of them."},
		{Name: "default-not-optional", Severity: file.SeverityError, Stage: file.StageSubmit, check: defaultNotOptional, versions: before2,
			Summary: "An input with a default that does not say isOptional, on Polyaxon 1.11",
			Help:    "1.11 refuses an input that has a `value` and is not optional; 2.x takes it for optional. `isOptional: true` is right for both."},
		{Name: "deprecated-key", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: deprecatedKey, versions: since2,
			Summary: "A key that was renamed in Polyaxon 2",
			Help:    "`options` and `delayValidation` of inputs and outputs are now `validation: {options: ..., delay: ...}`. The old ones still work. The rule does not apply when an older version is checked as well, because 1.11 does not have the new ones."},
		{Name: "unknown-param", Severity: file.SeverityError, Stage: file.StageCompile, check: unknownParam,
			Summary: "A param whose input is not declared",
			Help:    "Polyaxon 1.11 fails the run when it is compiled; 2.18 passes it to the templates that use it, unless strictParams is set. When no template uses it, it is ignored, and the run uses a default instead of the value. Correct the name, or declare an input."},
		{Name: "missing-param", Severity: file.SeverityError, Stage: file.StageCompile, check: missingParam,
			Summary: "A required input is not set",
			Help:    "The operation's component has an input without a default that is not optional. The server takes the operation, and its run fails when it is compiled."},
		{Name: "path-without-default", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: pathWithoutDefault,
			Summary: "An optional path without a value is used as a directory",
			Help:    "A mountPath, subPath or workingDir that is made of an optional input without a value is the text None, or nothing. Give the input a default."},
	}
}

func unusedInput(p *pass) {
	used := p.used()
	for _, x := range p.declared("inputs") {
		toInit, _ := x.values["toInit"].(bool)
		if used.all || used.names[x.name] || x.name == "" || x.name == imageInput || text(x.values["toEnv"]) != "" || text(x.values["connection"]) != "" || toInit {
			continue
		}
		p.value(extend(x.path, "name"), "use {{ "+x.name+" }}, give it toEnv, or remove it", "the input %s is not used", x.name)
	}
}

func unusedImageInput(p *pass) {
	if p.run == nil || p.used().names[imageInput] || p.used().all {
		return
	}
	for _, x := range p.declared("inputs") {
		if x.name == imageInput {
			p.value(extend(x.path, "name"), `write image: "{{ DOCKER_IMAGE }}" in the container`, "no container uses the image that slipway passes as %s", imageInput)
		}
	}
}

func repeatedInput(p *pass) {
	seen := map[string]string{}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			if before := seen[x.name]; before == section && x.name != "" {
				p.value(extend(x.path, "name"), "remove one of them", "the %s %s is declared twice", strings.TrimSuffix(section, "s"), x.name)
			}
			seen[x.name] = section
		}
	}
}

func unknownParam(p *pass) {
	if p.component == nil || p.operation == nil {
		return
	}
	var names []string
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			names = append(names, x.name)
		}
	}
	for _, name := range sorted(mapping(p.operation["params"])) {
		param := mapping(mapping(p.operation["params"])[name])
		if !before2(p.version) && p.operation["strictParams"] != true && p.used().names[name] && param["contextOnly"] == nil {
			continue // a template can still use it
		}
		if contextOnly, _ := param["contextOnly"].(bool); contextOnly || param["toInit"] == true || contains(names, name) || text(param["toEnv"]) != "" {
			continue
		}
		hint := didYouMean(name, names)
		switch {
		case hint == "" && len(names) > 0:
			hint = "declared inputs: " + strings.Join(names, ", ")
		case hint == "":
			hint = "declare an input, or remove the param"
		}
		p.key(extend(p.operationPath, "params", name), hint, "the input %s is not declared, but params sets it", name)
	}
}

func missingParam(p *pass) {
	if p.component == nil || p.operation == nil || p.operation["isPreset"] == true {
		return
	}
	given := p.given()
	for _, x := range p.declared("inputs") {
		if x.name == "" || x.optional || x.hasValue || x.delayed || given[x.name] || !p.nested && (x.name == imageInput || contains(p.options.Params, x.name)) {
			continue
		}
		message := "the input %s is required, and no param sets it"
		switch {
		case p.operation["params"] != nil:
			p.key(extend(p.operationPath, "params"), "add "+x.name+" to params", message, x.name)
		case p.nested:
			p.value(p.operationPath, "add params with "+x.name, message, x.name)
		default:
			p.value(extend(x.path, "name"), "give the operation params with "+x.name+", or the input a default", message, x.name)
		}
	}
}

func defaultNotOptional(p *pass) {
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			if _, given := x.values["isOptional"]; given || !python.Truth(x.value) {
				continue
			}
			p.value(extend(x.path, "name"), "add isOptional: true", "%s has a default value but is not optional: Polyaxon %s refuses it", x.name, p.version).
				fix = set(extend(x.path, "isOptional"), true)
		}
	}
}

func deprecatedKey(p *pass) {
	if slices.ContainsFunc(p.options.Versions, before2) {
		return
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			for old, name := range map[string]string{"options": "options", "delayValidation": "delay"} {
				if value, given := x.values[old]; given && mapping(x.values["validation"])[name] == nil {
					p.key(extend(x.path, old), "write validation: {"+name+": ...}", "%s was renamed to validation.%s in Polyaxon 2", old, name).
						fix = edits(edit.Set(value, extend(x.path, "validation", name)...), edit.Delete(extend(x.path, old)...))
				}
			}
		}
	}
}

var pathKey = lazyregexp.New(`^(?:mountPath|subPath|workingDir|path)$`)

func pathWithoutDefault(p *pass) {
	known := p.scope()
	p.templates(func(text string, path []string) {
		if !pathKey.MatchString(path[len(path)-1]) {
			return
		}
		for _, n := range p.template(text).names {
			if known.none[n.Path[0]] && n.Alone && onlyTag(text) {
				p.name(path, text, n, 1, "give the input a default value", "the input %s is optional and has no value: without a param %s is empty", n.Path[0], path[len(path)-1])
			}
		}
	})
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
