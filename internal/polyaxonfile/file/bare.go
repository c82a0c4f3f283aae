package file

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// templateWithoutQuotes gives what is in the braces where a node is {{ NAME }}, which
// YAML takes for a mapping whose key is a mapping; "" where it is something else.
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

var beginsWithTemplate = regexp.MustCompile(`(?:^\s*|[-:,] +|\[ *)(\{[{%])`)

// bareTemplate tells of the first line of a text that is no YAML in which a value
// begins with {{ and has no quotes.
func bareTemplate(lines [][]byte) string {
	for i, line := range lines {
		m := beginsWithTemplate.FindSubmatchIndex(line)
		if m == nil {
			continue
		}
		before := string(line[:m[2]])
		if strings.Count(before, `"`)%2 == 0 && strings.Count(before, "'")%2 == 0 && !strings.Contains(before, "#") {
			return fmt.Sprintf("in line %d a text begins with %s: put it in quotes", i+1, line[m[2]:m[3]])
		}
	}
	return ""
}
