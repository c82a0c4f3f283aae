// Package yaml11 resolves YAML's scalars as PyYAML does, which Polyaxon uses to read its
// files.
package yaml11

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// The forms of YAML 1.1 scalars that PyYAML resolves. They differ from YAML 1.2: yes and
// on are booleans, 1e3 is text, and 1:30 is 90.
var (
	yamlInt   = lazyregexp.New(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlFloat = lazyregexp.New(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// Scalar returns a scalar's value: nil, bool, int, *big.Int if an int is too small,
// float64 or string. A date is a string. If PyYAML refuses the scalar, the value is its
// text.
func Scalar(n *yaml.Node) any {
	value, _, err := Resolve(n)
	if err != nil {
		return n.Value
	}
	return value
}

// Resolve returns a scalar's value as Scalar does, and reports whether it is a date or a
// time. PyYAML has types of its own for those, and Polyaxon writes them as the string
// that Resolve returns. It returns an error for what PyYAML refuses: an unknown tag,
// 2026-13-01, or a lone =.
func Resolve(n *yaml.Node) (value any, date bool, err error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	text := n.Value
	if n.Style&yaml.TaggedStyle != 0 {
		return tagged(n.Tag, text)
	}
	if n.Style&quoted != 0 || text != "" && !special(text[0]) {
		return text, false, nil
	}
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nil, false, nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, false, nil
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, false, nil
	case "=", "<<":
		return nil, false, fmt.Errorf("a lone %s must be in quotes", text)
	}
	if c := text[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		switch {
		case yamlInt.MatchString(text):
			value, err = parseInt(text)
			return value, false, err
		case yamlFloat.MatchString(text):
			value, err = parseFloat(text)
			return value, false, err
		case isDate(text):
			value, err = parseDate(text)
			return value, true, err
		}
	}
	return text, false, nil
}

// special reports whether a plain scalar that begins with c may be something other than
// text.
func special(c byte) bool {
	return c >= '0' && c <= '9' || strings.IndexByte("-+.~=<nNtTfFyYoO", c) >= 0
}

func tagged(tag, text string) (value any, date bool, err error) {
	plain := strings.TrimSpace(text)
	switch tag {
	case "!!str", "!":
		return text, false, nil
	case "!!null":
		return nil, false, nil
	case "!!int":
		value, err = parseInt(plain)
	case "!!float":
		value, err = parseFloat(plain)
	case "!!timestamp":
		if !isDate(plain) {
			return nil, true, fmt.Errorf("%q is not a valid date", text)
		}
		value, err = parseDate(plain)
		return value, true, err
	case "!!bool":
		switch strings.ToLower(plain) {
		case "yes", "true", "on":
			return true, false, nil
		case "no", "false", "off":
			return false, false, nil
		}
		err = fmt.Errorf("%q is neither true nor false", text)
	default:
		err = fmt.Errorf("the tag %s is not supported by Polyaxon", tag)
	}
	return value, false, err
}

func parseInt(text string) (any, error) {
	plain := strings.ReplaceAll(text, "_", "")
	negative := strings.HasPrefix(plain, "-")
	plain = strings.TrimLeft(plain, "+-")
	base, digits := 10, plain
	switch {
	case strings.HasPrefix(plain, "0b"):
		base, digits = 2, plain[2:]
	case strings.HasPrefix(plain, "0x"):
		base, digits = 16, plain[2:]
	case strings.Contains(plain, ":"):
		total := new(big.Int)
		for _, part := range strings.Split(plain, ":") {
			n, err := strconv.ParseInt(part, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not a valid number", text)
			}
			total.Add(total.Mul(total, big.NewInt(60)), big.NewInt(n))
		}
		return whole(total, negative), nil
	case len(plain) > 1 && plain[0] == '0':
		base, digits = 8, plain[1:]
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		if negative {
			n = -n
		}
		return int(n), nil
	}
	const most = 4300 // Python's limit for the digits of an integer
	n, ok := new(big.Int).SetString(digits, base)
	if !ok || len(digits) > most {
		return nil, fmt.Errorf("%.20q is not a valid number", text)
	}
	return whole(n, negative), nil
}

func whole(n *big.Int, negative bool) any {
	if negative {
		n.Neg(n)
	}
	if n.IsInt64() {
		return int(n.Int64())
	}
	return n
}

func parseFloat(text string) (float64, error) {
	plain := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	sign := 1.0
	if strings.HasPrefix(plain, "-") {
		sign = -1
	}
	plain = strings.TrimLeft(plain, "+-")
	switch plain {
	case ".inf":
		return math.Inf(int(sign)), nil
	case ".nan":
		return math.NaN(), nil
	}
	total := 0.0
	for _, part := range strings.Split(plain, ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil && !math.IsInf(f, 0) {
			return 0, fmt.Errorf("%q is not a valid number", text)
		}
		total = total*60 + f
	}
	return sign * total, nil
}
