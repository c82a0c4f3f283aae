package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var variable = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// VariableProblem says what is wrong with a ${NAME} in a text.
type VariableProblem struct {
	Message, Hint string
	// Unset is the name of the variable if it is not set, or "" if the text is wrong.
	Unset string
}

// Expand replaces ${NAME} and ${NAME:-default} in a text by the values of environment
// variables, and $${ by a literal ${. expanded reports whether there were any variables.
// The problems are each variable that is not set, and the first one that is not
// well-formed.
func Expand(text string, lookup func(string) (string, bool)) (value string, expanded bool, problems []*VariableProblem) {
	var b strings.Builder
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			return b.String(), expanded, problems
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString(strings.TrimSuffix(before, "$") + "${")
			rest = after
			continue
		}
		b.WriteString(before)
		reference, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", false, append(problems, &VariableProblem{Message: "${ is not closed by }", Hint: "write $${ for a plain ${"})
		}
		name, fallback, hasFallback := strings.Cut(reference, ":-")
		if !variable.MatchString(name) {
			return "", false, append(problems, &VariableProblem{
				Message: fmt.Sprintf("${%s} is not a valid environment variable name", reference),
				Hint:    "write ${NAME} or ${NAME:-default}, or $${ for a plain ${",
			})
		}
		value, set := lookup(name)
		if !set || value == "" && hasFallback {
			if !hasFallback {
				problems = append(problems, &VariableProblem{
					Message: fmt.Sprintf("the environment variable %s is not set", name), Hint: "set it, or write ${" + name + ":-default}", Unset: name,
				})
			}
			value = fallback
		}
		b.WriteString(value)
		rest, expanded = tail, true
	}
}

// expand expands a scalar, and adds the errors to d.errs. The text of a variable only becomes
// part of the value; it is not parsed as YAML structure.
func (d *decoder) expand(n *yaml.Node) (text string, expanded, ok bool) {
	text, expanded, wrong := Expand(n.Value, d.lookup)
	for _, e := range wrong {
		d.unset = d.unset || e.Unset != ""
		if e.Unset == "" || !d.partial {
			d.fail(n, e.Hint, "%s", e.Message)
		}
	}
	return text, expanded, len(wrong) == 0
}
