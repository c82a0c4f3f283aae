package template

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

type textMethod = func(r *runtime, s string, args values) (any, error)

// textMethods returns the methods of Python's str.
func textMethods() map[string]textMethod {
	simple := func(f func(string) string) textMethod {
		return func(_ *runtime, s string, _ values) (any, error) { return f(s), nil }
	}
	all := func(f func(rune) bool) textMethod {
		return func(_ *runtime, s string, _ values) (any, error) {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !f(r) }) < 0, nil
		}
	}
	strip := func(left, right bool) textMethod {
		return func(_ *runtime, s string, args values) (any, error) {
			return trim(s, args.get(0, "chars", nil), left, right), nil
		}
	}
	find := func(f func(s, part string) int, must bool) textMethod {
		return func(_ *runtime, s string, args values) (any, error) {
			s, start := between(s, args)
			i := f(s, text(args.get(0, "sub", "")))
			switch {
			case i < 0 && must:
				return nil, errorf("ValueError", "substring not found")
			case i < 0:
				return -1, nil
			}
			return start + utf8.RuneCountInString(s[:i]), nil
		}
	}
	pad := func(left, right bool) textMethod {
		return func(_ *runtime, s string, args values) (any, error) {
			width, _ := args.get(0, "width", 0).(int)
			return padded(s, width, text(args.get(1, "fillchar", " ")), left, right)
		}
	}
	affix := func(f func(s, affix string) bool) textMethod {
		return func(_ *runtime, s string, args values) (any, error) {
			s, _ = between(s, args)
			first := args.get(0, "prefix", "")
			if several, ok := python.Items(first); ok {
				for _, each := range several {
					if f(s, text(each)) {
						return true, nil
					}
				}
				return false, nil
			}
			return f(s, text(first)), nil
		}
	}
	return map[string]textMethod{
		"upper": simple(strings.ToUpper), "lower": simple(strings.ToLower), "casefold": simple(strings.ToLower), "title": simple(titled),
		"capitalize": simple(capitalized), "swapcase": simple(swapped),
		"strip": strip(true, true), "lstrip": strip(true, false), "rstrip": strip(false, true),
		"startswith": affix(strings.HasPrefix), "endswith": affix(strings.HasSuffix),
		"removeprefix": func(_ *runtime, s string, args values) (any, error) {
			return strings.TrimPrefix(s, text(args.get(0, "prefix", ""))), nil
		},
		"removesuffix": func(_ *runtime, s string, args values) (any, error) {
			return strings.TrimSuffix(s, text(args.get(0, "suffix", ""))), nil
		},
		"find": find(strings.Index, false), "rfind": find(strings.LastIndex, false),
		"index": find(strings.Index, true), "rindex": find(strings.LastIndex, true),
		"count": func(_ *runtime, s string, args values) (any, error) {
			s, _ = between(s, args)
			return strings.Count(s, text(args.get(0, "sub", ""))), nil
		},
		"isdigit": all(unicode.IsDigit), "isnumeric": all(unicode.IsNumber), "isdecimal": all(unicode.IsDigit), "isalpha": all(unicode.IsLetter),
		"isalnum": all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }), "isspace": all(unicode.IsSpace),
		"isupper": func(_ *runtime, s string, _ values) (any, error) {
			return strings.ToUpper(s) == s && strings.ToLower(s) != s, nil
		},
		"islower": func(_ *runtime, s string, _ values) (any, error) {
			return strings.ToLower(s) == s && strings.ToUpper(s) != s, nil
		},
		"ljust": pad(false, true), "rjust": pad(true, false), "center": pad(true, true), "zfill": zeroFilled,
		"replace": func(_ *runtime, s string, args values) (any, error) {
			n, ok := args.get(2, "count", -1).(int)
			if !ok {
				n = -1
			}
			return replaced(s, text(args.get(0, "old", "")), text(args.get(1, "new", "")), n)
		},
		"split":      split(false),
		"rsplit":     split(true),
		"splitlines": splitLines,
		"partition": func(_ *runtime, s string, args values) (any, error) {
			before, after, found := strings.Cut(s, text(args.get(0, "sep", "")))
			if !found {
				return python.Tuple{s, "", ""}, nil
			}
			return python.Tuple{before, text(args.get(0, "sep", "")), after}, nil
		},
		"rpartition": func(_ *runtime, s string, args values) (any, error) {
			separator := text(args.get(0, "sep", ""))
			i := strings.LastIndex(s, separator)
			if i < 0 {
				return python.Tuple{"", "", s}, nil
			}
			return python.Tuple{s[:i], separator, s[i+len(separator):]}, nil
		},
		"join": func(r *runtime, s string, args values) (any, error) {
			items, err := r.iterate(args.get(0, "iterable", nil))
			if err != nil {
				return nil, err
			}
			parts := make([]string, len(items))
			for i, item := range items {
				part, ok := item.(string)
				if !ok {
					return nil, errorf("TypeError", "sequence item %d: expected str instance, %s found", i, typeName(item))
				}
				parts[i] = part
			}
			return joined(parts, s)
		},
		"format": func(_ *runtime, s string, args values) (any, error) { return braced(s, args) },
	}
}

// between returns the part of a text that the arguments start and end of a search limit it to, and where
// it starts. They count characters, and negative ones from the end.
func between(s string, args values) (part string, start int) {
	characters := []rune(s)
	at := func(n int, name string, otherwise int) int {
		i, ok := args.get(n, name, nil).(int)
		switch {
		case !ok:
			return otherwise
		case i < 0:
			i = max(i+len(characters), 0)
		}
		return min(i, len(characters))
	}
	start, end := at(1, "start", 0), at(2, "end", len(characters))
	return string(characters[start:max(start, end)]), start
}
