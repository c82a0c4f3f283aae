package file

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// templateWithoutQuotes returns the text inside the braces when a node is {{ NAME }},
// which YAML parses as a mapping whose key is a mapping. It returns "" for any other
// node.
func templateWithoutQuotes(n *yaml.Node) string {
	if n.Style&yaml.FlowStyle == 0 || len(n.Content) != 2 {
		return ""
	}
	inner := n.Content[0]
	if inner.Kind != yaml.MappingNode || inner.Line != n.Line || inner.Column != n.Column+1 || len(inner.Content) != 2 ||
		inner.Content[0].Kind != yaml.ScalarNode || inner.Content[1].Value != "" {
		return ""
	}
	return inner.Content[0].Value
}

var beginsWithTemplate = lazyregexp.New(`(?:^\s*|[-:,] +|\[ *)(\{[{%])`)

// unquotedTemplate returns a hint for the first line in which a value begins with {{ or {%
// without quotes, or "" when there is none. Its input is a text that is not valid YAML.
func unquotedTemplate(lines [][]byte) string {
	for i, line := range lines {
		m := beginsWithTemplate.FindSubmatchIndex(line)
		if m == nil {
			continue
		}
		before := string(line[:m[2]])
		if strings.Count(before, `"`)%2 == 0 && strings.Count(before, "'")%2 == 0 && !strings.Contains(before, "#") {
			return fmt.Sprintf("the text in line %d begins with %s: put it in quotes", i+1, line[m[2]:m[3]])
		}
	}
	return ""
}
