package config

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var variable = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME} and ${NAME:-default} in a scalar by the values of environment
// variables, and $${ by a literal ${. expanded reports whether there were any variables.
// The text of a variable only becomes part of the value; it is not parsed as YAML
// structure.
func (d *decoder) expand(n *yaml.Node) (text string, expanded, ok bool) {
	rest := n.Value
	var b strings.Builder
	missing := false
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			return b.String(), expanded, !missing
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString(strings.TrimSuffix(before, "$") + "${")
			rest = after
			continue
		}
		b.WriteString(before)
		reference, tail, closed := strings.Cut(after, "}")
		if !closed {
			d.fail(n, "write $${ for a plain ${", "${ is not closed by }")
			return "", false, false
		}
		name, fallback, hasFallback := strings.Cut(reference, ":-")
		if !variable.MatchString(name) {
			d.fail(n, "write ${NAME} or ${NAME:-default}, or $${ for a plain ${", "${%s} is not a valid environment variable name", reference)
			return "", false, false
		}
		value, set := d.lookup(name)
		if !set || value == "" && hasFallback {
			if !hasFallback {
				missing, d.unset = true, true
				if !d.partial {
					d.fail(n, "set it, or write ${"+name+":-default}", "the environment variable %s is not set", name)
				}
			}
			value = fallback
		}
		b.WriteString(value)
		rest, expanded = tail, true
	}
}
