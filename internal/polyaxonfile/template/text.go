package template

import (
	"math"
	"strings"
	"unicode"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

const blanks = " \t\n\r\v\f\u0085\u00a0"

func trim(s string, chars any, left, right bool) string {
	set := blanks
	if c, ok := chars.(string); ok {
		set = c
	}
	if left {
		s = strings.TrimLeft(s, set)
	}
	if right {
		s = strings.TrimRight(s, set)
	}
	return s
}

// titled capitalizes each word, as Python's str.title does.
func titled(s string) string {
	letter := false
	return strings.Map(func(r rune) rune {
		before := letter
		letter = unicode.IsLetter(r)
		if before {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func capitalized(s string) string {
	runes := []rune(strings.ToLower(s))
	if len(runes) > 0 {
		runes[0] = unicode.ToTitle(runes[0])
	}
	return string(runes)
}

func swapped(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func padded(s string, width int, fill string, left, right bool) (any, error) {
	missing := width - len([]rune(s))
	if missing <= 0 || fill == "" {
		return s, nil
	}
	if missing > maxText/len(fill) {
		return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	switch {
	case left && right:
		half := missing/2 + missing&width&1
		return strings.Repeat(fill, half) + s + strings.Repeat(fill, missing-half), nil
	case left:
		return strings.Repeat(fill, missing) + s, nil
	}
	return s + strings.Repeat(fill, missing), nil
}

func zeroFilled(_ *runtime, s string, args values) (any, error) {
	width, _ := args.get(0, "width", 0).(int)
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	filled, err := padded(s, width-len(sign), "0", true, false)
	if err != nil {
		return nil, err
	}
	return sign + text(filled), nil
}

func replaced(s, old, with string, n int) (any, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if len(s)+count*len(with) > maxText {
		return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	return strings.Replace(s, old, with, n), nil
}

func joined(parts []string, separator string) (any, error) {
	size := 0
	for _, part := range parts {
		size += len(part) + len(separator)
	}
	if size > maxText+len(separator) {
		return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	return strings.Join(parts, separator), nil
}

// split returns the method split or rsplit. It splits at white space or at a separator.
func split(fromRight bool) textMethod {
	return func(_ *runtime, s string, args values) (any, error) {
		limit, ok := args.get(1, "maxsplit", -1).(int)
		if !ok || limit < 0 {
			limit = math.MaxInt - 1
		}
		separator, given := args.get(0, "sep", nil).(string)
		if given && separator == "" {
			return nil, errorf("ValueError", "empty separator")
		}
		var parts []string
		switch {
		case !given:
			parts = words(s, limit, fromRight)
		case fromRight:
			rest := s
			for len(parts) < limit {
				i := strings.LastIndex(rest, separator)
				if i < 0 {
					break
				}
				parts = append([]string{rest[i+len(separator):]}, parts...)
				rest = rest[:i]
			}
			parts = append([]string{rest}, parts...)
		default:
			parts = strings.SplitN(s, separator, limit+1)
		}
		if len(parts) > maxItems {
			return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
		}
		items := make([]any, len(parts))
		for i, part := range parts {
			items[i] = part
		}
		return &python.List{Items: items}, nil
	}
}

// words splits at white space. After limit splits, the rest stays whole.
func words(s string, limit int, fromRight bool) []string {
	if limit >= len(s) {
		return strings.Fields(s)
	}
	var parts []string
	for {
		s = trim(s, nil, true, true)
		if s == "" {
			return parts
		}
		at := strings.IndexAny(s, blanks)
		if fromRight {
			at = strings.LastIndexAny(s, blanks)
		}
		switch {
		case at < 0 || len(parts) == limit:
			if fromRight {
				return append([]string{s}, parts...)
			}
			return append(parts, s)
		case fromRight:
			parts = append([]string{s[at+1:]}, parts...)
			s = s[:at]
		default:
			parts = append(parts, s[:at])
			s = s[at:]
		}
	}
}

func splitLines(_ *runtime, s string, args values) (any, error) {
	keep := truth(args.get(0, "keepends", false))
	items := []any{}
	for s != "" {
		i := strings.IndexByte(s, '\n')
		line, rest := s, ""
		if i >= 0 {
			line, rest = s[:i+1], s[i+1:]
		}
		if !keep {
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		}
		items, s = append(items, line), rest
	}
	return &python.List{Items: items}, nil
}
