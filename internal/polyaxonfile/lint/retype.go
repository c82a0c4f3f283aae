package lint

import (
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/converter"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

func retypeRules() []Rule {
	return []Rule{
		{Name: "re-typed-string", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: retypedString, byVersion: true,
			Summary: "A text that Polyaxon reads as a Python value",
			Help: "Polyaxon reads texts of `env`, labels, annotations and nodeSelector as Python literals, and 1.11 those of arguments too: \"1e3\" arrives as 1000.0, \"1.10\" as 1.1, \"0x10\" as 16, \"True\" as true and \"None\" as null. " +
				"Quotes inside the quotes keep the text: \"'1e3'\"."},
		{Name: "yaml-value", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: yamlValue,
			Summary: "A value without quotes that YAML reads as a different value",
			Help: "Polyaxon reads YAML 1.1: without quotes yes, no, on and off are booleans, 1.10 is 1.1, 010 is 8, 0x10 is 16, 1_000 is 1000 and 12:30 is 750 (minutes, in base 60). " +
				"Put the value in quotes when the text is meant."},
	}
}

// valueInPod returns what a text becomes where Polyaxon reads Python literals, as the pod
// has it: JSON in a variable, and Python's str in an argument. It returns false when the
// text stays the same.
func valueInPod(written string, argument bool, version schema.Version) (string, bool) {
	value, ok, err := python.Literal(written)
	switch {
	case err != nil:
		return "a value that Polyaxon cannot store: the run fails", true
	case !ok:
		return "", false
	}
	if _, isText := value.(string); isText {
		return "", false // nested quotes, the way to keep a text
	}
	becomes := converter.Text(python.Plain(value), version)
	if argument {
		becomes = python.Str(value)
	}
	return becomes, becomes != written
}

// quoted returns a Python literal for a text, so that Polyaxon reads it as that text.
func quoted(text string) (string, bool) {
	switch {
	case strings.Contains(text, `\`):
		return "", false
	case !strings.Contains(text, "'"):
		return "'" + text + "'", true
	}
	return `"` + text + `"`, !strings.Contains(text, `"`)
}

// unquoted returns the text of a Python string literal, as Polyaxon reads it.
func unquoted(text string) string {
	if n := len(text); n > 1 && (text[0] == '\'' || text[0] == '"') && text[0] == text[n-1] && strings.Count(text, text[:1]) == 2 {
		return text[1 : n-1]
	}
	return text
}

func retypedString(p *pass) {
	report := func(value any, path []string, quotable bool) {
		written, ok := value.(string)
		if !ok || templated(written) || strings.Contains(written, "\n") {
			return
		}
		becomes, ok := valueInPod(written, !quotable, p.version)
		if !ok {
			return
		}
		kept, ok := quoted(written)
		hint := "write " + strconv.Quote(shortened(kept)) + " to keep the text"
		if !quotable || !ok {
			hint = "give it another form, or upgrade to Polyaxon 2.x, which leaves arguments alone"
		}
		found := p.value(path, hint, "%s arrives as %s", strconv.Quote(shortened(written)), becomes)
		if quotable && ok {
			found.fix = set(path, kept)
		}
	}
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			report(mapping(element)["value"], extend(c.path, "env", itoa(i), "value"), true)
		}
		if !before2(p.version) {
			continue
		}
		for _, key := range []string{"command", "args"} {
			for i, element := range list(c.values[key]) {
				path := extend(c.path, key, itoa(i))
				if value, ok := untemplated(element); ok && converter.DropsElement(value, p.version) {
					continue // vanishing-argument reports it
				}
				report(element, path, false)
			}
		}
	}
	for _, pod := range p.pods() {
		for _, section := range []string{"labels", "annotations", "nodeSelector"} {
			values := mapping(mapping(pod.values["environment"])[section])
			for _, key := range sorted(values) {
				report(values[key], extend(pod.path, "environment", section, key), true)
			}
		}
	}
}

// yamlValue checks the scalars that become text: variables, arguments, labels, and the
// values of inputs that are neither numbers nor booleans.
func yamlValue(p *pass) {
	report := func(value any, path []string, retyped bool) {
		switch value.(type) {
		case bool, int, float64:
		default:
			return
		}
		written := p.scalarText(p.file.At(path...))
		becomes := python.Str(value)
		if b, ok := value.(bool); ok {
			becomes = strconv.FormatBool(b)
		}
		if written == "" || strings.EqualFold(written, becomes) || strings.ContainsAny(written[:1], `"'|>&*!`) {
			return
		}
		kept := written
		if retyped {
			if _, ok := valueInPod(written, false, p.version); ok {
				kept, _ = quoted(written)
			}
		}
		p.value(path, "write "+strconv.Quote(kept)+", or "+becomes, "YAML reads %s as %s", written, becomes).fix = set(path, kept)
	}
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			report(mapping(element)["value"], extend(c.path, "env", itoa(i), "value"), true)
		}
		for _, key := range []string{"command", "args"} {
			for i, element := range list(c.values[key]) {
				report(element, extend(c.path, key, itoa(i)), false)
			}
		}
	}
	for _, pod := range p.pods() {
		for _, section := range []string{"labels", "annotations", "nodeSelector"} {
			values := mapping(mapping(pod.values["environment"])[section])
			for _, key := range sorted(values) {
				report(values[key], extend(pod.path, "environment", section, key), true)
			}
		}
	}
	plain := func(kind string) bool { return kind == "str" || kind == "path" || kind == "uri" || kind == "image" }
	for _, x := range p.declared("inputs") {
		if plain(x.kind) {
			report(x.value, extend(x.path, "value"), false)
		}
	}
	params := mapping(p.operation["params"])
	for _, name := range sorted(params) {
		path := extend(p.operationPath, "params", name)
		switch m, ok := params[name].(map[string]any); {
		case !plain(p.scope().inputs[name].kind):
		case ok:
			report(m["value"], extend(path, "value"), false)
		default:
			report(params[name], path, false)
		}
	}
}

// scalarText returns the plain scalar at a position, as it is written.
func (p *pass) scalarText(at source.Position) string {
	line := []rune(p.file.Line(at))
	if at.Column < 1 || at.Column > len(line) {
		return ""
	}
	rest := string(line[at.Column-1:])
	if i := strings.Index(rest, " #"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.IndexAny(rest, ",]}"); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimSpace(rest)
}
