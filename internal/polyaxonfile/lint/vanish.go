package lint

import (
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/converter"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func podRules() []Rule {
	return []Rule{
		{Name: "vanishing-argument", Severity: file.SeverityWarning, Stage: file.StageRun, check: vanishingArgument, versions: before2,
			Summary: "An argument that the pod does not get, on Polyaxon 1.11",
			Help: "When 1.11 makes the pod, it leaves out each argument that is false in Python: 0, 0.0, false, an empty text, and the texts \"0\" and \"False\", which it reads as values. " +
				"`[--seed, 0]` arrives as `--seed` alone. Write it as one argument, `--seed=0`. `render --pod` shows what arrives."},
		{Name: "optional-as-text", Severity: file.SeverityError, Stage: file.StageRun, check: optionalAsText,
			Summary: "An optional reference in env, which Polyaxon turns into text",
			Help: "Polyaxon turns all values in `valueFrom` into text: `optional: true` becomes \"true\", which is not a boolean, and Kubernetes refuses the pod. " +
				"`envFrom` is left as it is: `envFrom: [{secretRef: {name: ..., optional: true}}]`."},
	}
}

// vanishingArgument reports arguments that the pod does not get. Templates are rendered
// with the values that the file and slipway.yaml set.
func vanishingArgument(p *pass) {
	for _, c := range p.containers() {
		for _, key := range []string{"command", "args"} {
			elements := list(c.values[key])
			for i, element := range elements {
				value, ok := p.rendered(element, extend(c.path, key, itoa(i)))
				if !ok || value == nil && element == nil || !converter.DropsElement(value, p.version) {
					continue
				}
				p.value(extend(c.path, key, itoa(i)), vanishingHint(elements, i, value), "Polyaxon %s leaves the argument %s out of the pod", p.version, printed(value))
			}
		}
	}
}

// rendered returns an argument as it is before the pod is created. It returns false when
// it depends on a value that is not known yet.
func (p *pass) rendered(element any, path []string) (any, bool) {
	if value, ok := untemplated(element); ok {
		return value, true
	}
	if !p.allGiven(text(element)) {
		return nil, false
	}
	c := p.compilation()
	if !c.resolved {
		return nil, false
	}
	var value any = c.run
	for _, key := range path[len(p.runPath):] {
		switch x := value.(type) {
		case map[string]any:
			value = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(x) {
				return nil, false
			}
			value = x[i]
		default:
			return nil, false
		}
	}
	// A null or empty value is meant to be dropped: a flag that is off, or an input without a
	// value.
	return value, value != nil && value != ""
}

// untemplated returns an argument as it is before the pod is created. It returns false when it
// is a template.
func untemplated(element any) (any, bool) {
	written, isText := element.(string)
	if isText && templated(written) {
		return nil, false
	}
	if value, ok, err := python.Literal(written); isText && ok && err == nil {
		return python.Plain(value), true
	}
	return element, true
}

// vanishingHint returns a hint for keeping a value: in one argument with the flag before
// it.
func vanishingHint(elements []any, i int, value any) string {
	if i > 0 {
		if flag := text(elements[i-1]); len(flag) > 1 && flag[0] == '-' && !templated(flag) {
			if written := text(elements[i]); templated(written) {
				return "write " + strconv.Quote(flag+"="+written)
			}
			return "write " + strconv.Quote(flag+"="+python.Str(value))
		}
	}
	return "write it as part of another argument, such as --name=" + python.Str(value)
}

func printed(value any) string {
	if value == "" {
		return `""`
	}
	return python.Str(value)
}

// optionalAsText checks the sources of variables.
func optionalAsText(p *pass) {
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			from := mapping(mapping(element)["valueFrom"])
			for _, source := range sorted(from) {
				if _, isBool := mapping(from[source])["optional"].(bool); isBool {
					p.value(extend(c.path, "env", itoa(i), "valueFrom", source, "optional"), "use envFrom, where optional stays what it is, or leave it out",
						"Polyaxon makes the text \"%v\" of optional, which Kubernetes refuses", mapping(from[source])["optional"])
				}
			}
		}
	}
}

// allGiven reports whether all inputs that a template uses have a value.
func (p *pass) allGiven(written string) bool {
	given := p.given()
	missing := slices.DeleteFunc(p.declared("inputs"), func(x input) bool { return x.hasValue || given[x.name] || x.optional })
	for _, n := range p.template(written).names {
		name := n.Path[0]
		if name == "params" && len(n.Path) > 1 {
			name = n.Path[1]
		}
		if slices.ContainsFunc(missing, func(x input) bool { return name == x.name || name == "as_args" }) {
			return false
		}
	}
	return true
}
