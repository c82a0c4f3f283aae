// Package yaml11 gives YAML's scalars the values that PyYAML gives them, which
// Polyaxon reads its files with.
package yaml11

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The forms of YAML 1.1 scalars as PyYAML, which Polyaxon reads with, resolves
// them. They differ from YAML 1.2: yes and on are booleans, 1e3 is text, 1:30 is 90.
var (
	yamlInt   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// Scalar gives a scalar's value: nil, bool, int, float64 or string. Dates stay
// text: that is what every input type that knows dates takes.
func Scalar(n *yaml.Node) any {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	text := n.Value
	if n.Style&quoted != 0 || n.Style&yaml.TaggedStyle != 0 && n.Tag == "!!str" {
		return text
	}
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	}
	if yamlInt.MatchString(text) {
		if i, ok := parseInt(text); ok {
			return i
		}
	}
	if yamlFloat.MatchString(text) {
		return parseFloat(text)
	}
	return text
}

func parseInt(text string) (int, bool) {
	plain := strings.ReplaceAll(text, "_", "")
	sign := 1
	if strings.HasPrefix(plain, "-") {
		sign = -1
	}
	plain = strings.TrimLeft(plain, "+-")
	base, digits := 10, plain
	switch {
	case strings.HasPrefix(plain, "0b"):
		base, digits = 2, plain[2:]
	case strings.HasPrefix(plain, "0x"):
		base, digits = 16, plain[2:]
	case strings.Contains(plain, ":"):
		total := 0
		for _, part := range strings.Split(plain, ":") {
			n, err := strconv.Atoi(part)
			if err != nil {
				return 0, false
			}
			total = total*60 + n
		}
		return sign * total, true
	case len(plain) > 1 && plain[0] == '0':
		base, digits = 8, plain[1:]
	}
	n, err := strconv.ParseInt(digits, base, 64)
	return sign * int(n), err == nil
}

func parseFloat(text string) float64 {
	plain := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	switch strings.TrimLeft(plain, "+-") {
	case ".inf":
		if strings.HasPrefix(plain, "-") {
			return math.Inf(-1)
		}
		return math.Inf(1)
	case ".nan":
		return math.NaN()
	}
	if strings.Contains(plain, ":") {
		total := 0.0
		for _, part := range strings.Split(strings.TrimLeft(plain, "+-"), ":") {
			n, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return math.NaN()
			}
			total = total*60 + n
		}
		if strings.HasPrefix(plain, "-") {
			return -total
		}
		return total
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}
