package lint

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func retypeRules() []Rule {
	return []Rule{
		{Name: "re-typed-string", Severity: polyaxonfile.SeverityWarning, Stage: polyaxonfile.StageAdvice, check: retypedString,
			Summary: "A text that Polyaxon takes for a Python value",
			Help: "Polyaxon reads texts of `env`, labels, annotations and nodeSelector as Python literals, and 1.11 those of arguments too: \"1e3\" arrives as 1000.0, \"1.10\" as 1.1, \"0x10\" as 16, \"True\" as true, \"None\" as nothing, " +
				"and a JSON object in a variable as an object, which Kubernetes refuses. Quotes inside the quotes keep the text: \"'1e3'\"."},
		{Name: "yaml-boolean", Severity: polyaxonfile.SeverityWarning, Stage: polyaxonfile.StageAdvice, check: yamlBoolean,
			Summary: "yes, no, on or off without quotes",
			Help:    "Polyaxon reads YAML 1.1, where yes, no, on and off are booleans: a variable with the value `no` arrives as false. Put them in quotes when the text is meant, or write true or false."},
	}
}

// arrival is what Polyaxon makes of a text where it reads Python literals, as the
// program then gets it; false when that is the text itself.
func arrival(written string) (string, bool) {
	value, ok := python.Literal(written)
	if !ok {
		return "", false
	}
	switch v := value.(type) {
	case nil:
		return "nothing", true
	case string:
		return "", false // quotes in quotes: the way to keep a text
	case bool:
		return strconv.FormatBool(v), strconv.FormatBool(v) != written
	case int, float64, *big.Int:
		return python.Str(v), python.Str(v) != written
	case *python.Dict, map[string]any:
		return "an object", true
	}
	return "a list", true
}

// quoted gives a Python literal of a text: what Polyaxon reads as the text itself.
func quoted(text string) (string, bool) {
	switch {
	case strings.Contains(text, `\`):
		return "", false
	case !strings.Contains(text, "'"):
		return "'" + text + "'", true
	}
	return `"` + text + `"`, !strings.Contains(text, `"`)
}

// unquoted gives the text that Polyaxon reads of a Python literal of one.
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
		becomes, ok := arrival(written)
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
}

var booleanWord = regexp.MustCompile(`^(?i:yes|no|on|off)\b`)

func yamlBoolean(p *pass) {
	report := func(value any, path []string) {
		b, ok := value.(bool)
		if !ok {
			return
		}
		at := p.file.At(path...)
		line := []rune(p.file.Line(at))
		if at.Column < 1 || at.Column > len(line) {
			return
		}
		if word := booleanWord.FindString(string(line[at.Column-1:])); word != "" {
			p.value(path, `write "`+word+`", or `+fmt.Sprint(b), "%s is the boolean %v in YAML 1.1", word, b).fix = set(path, word)
		}
	}
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			report(mapping(element)["value"], extend(c.path, "env", itoa(i), "value"))
		}
		for _, key := range []string{"command", "args"} {
			for i, element := range list(c.values[key]) {
				report(element, extend(c.path, key, itoa(i)))
			}
		}
	}
	for _, x := range p.declared("inputs") {
		if x.kind != "bool" {
			report(x.value, extend(x.path, "value"))
		}
	}
	for name, param := range mapping(p.operation["params"]) {
		if kind := p.scope().inputs[name].kind; kind == "bool" {
			continue
		}
		path := extend(p.operationPath, "params", name)
		if m, ok := param.(map[string]any); ok {
			report(m["value"], extend(path, "value"))
		} else {
			report(param, path)
		}
	}
}
