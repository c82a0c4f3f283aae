package template

import (
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// global gives a function that every template has.
func global(name string) (any, bool) {
	switch name {
	case "range":
		return function(rangeOf), true
	case "dict":
		return function(func(_ *runtime, args values) (any, error) {
			d := &python.Dict{}
			if keys, get, ok := python.Mapping(args.get(0, "", nil)); ok {
				for _, key := range keys {
					value, _ := get(key)
					d.Set(key, value)
				}
			}
			for _, key := range sortedNames(args.named) {
				d.Set(key, args.named[key])
			}
			return d, nil
		}), true
	case "namespace":
		return function(func(_ *runtime, args values) (any, error) {
			n := namespace{}
			if keys, get, ok := python.Mapping(args.get(0, "", nil)); ok {
				for _, key := range keys {
					n[python.Str(key)], _ = get(key)
				}
			}
			for key, value := range args.named {
				n[key] = value
			}
			return n, nil
		}), true
	case "joiner":
		return function(func(_ *runtime, args values) (any, error) {
			separator, used := args.get(0, "sep", ", "), false
			return function(func(*runtime, values) (any, error) {
				if !used {
					used = true
					return "", nil
				}
				return separator, nil
			}), nil
		}), true
	case "cycler":
		return function(func(_ *runtime, args values) (any, error) {
			if len(args.positional) == 0 {
				return nil, errorf("RuntimeError", "at least one item has to be provided")
			}
			return &cycler{items: args.positional}, nil
		}), true
	}
	return nil, false
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for key := range m {
		names = append(names, key)
	}
	sort.Strings(names)
	return names
}

// cycler goes round its items.
type cycler struct {
	items []any
	at    int
}

func rangeOf(_ *runtime, args values) (any, error) {
	var bounds []int
	for _, value := range args.positional {
		n, ok := value.(int)
		if !ok {
			return nil, errorf("TypeError", "'%s' object cannot be interpreted as an integer", typeName(value))
		}
		bounds = append(bounds, n)
	}
	from, to, step := 0, 0, 1
	switch len(bounds) {
	case 1:
		to = bounds[0]
	case 2:
		from, to = bounds[0], bounds[1]
	case 3:
		from, to, step = bounds[0], bounds[1], bounds[2]
	default:
		return nil, errorf("TypeError", "range expected 1 to 3 arguments, got %d", len(bounds))
	}
	if step == 0 {
		return nil, errorf("ValueError", "range() arg 3 must not be zero")
	}
	items := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(items) == maxItems {
			return nil, errorf("OverflowError", "Range too big. A template's ranges are at most %d long.", maxItems)
		}
		items = append(items, i)
		if next := i + step; (next > i) != (step > 0) {
			break
		}
	}
	return items, nil
}

// method gives an attribute or method of a value, as Python has it.
func method(of any, name string) (any, bool) {
	switch x := of.(type) {
	case string:
		if m, ok := textMethods()[name]; ok {
			return function(func(r *runtime, args values) (any, error) { return m(r, x, args) }), true
		}
		return nil, false
	case *loopState:
		return x.attribute(name)
	case namespace:
		value, ok := x[name]
		return value, ok
	case *cycler:
		switch name {
		case "current":
			return x.items[x.at], true
		case "next", "reset":
			return function(func(*runtime, values) (any, error) {
				if name == "reset" {
					x.at = 0
					return nil, nil
				}
				value := x.items[x.at]
				x.at = (x.at + 1) % len(x.items)
				return value, nil
			}), true
		}
		return nil, false
	case time.Time:
		return timeAttribute(x, name)
	}
	if _, ok := python.Items(of); ok {
		return listMethod(of, name)
	}
	if keys, get, ok := python.Mapping(of); ok {
		return dictMethod(of, keys, get, name)
	}
	return nil, false
}

func dictMethod(of any, keys []any, get func(any) (any, bool), name string) (any, bool) {
	var f function
	switch name {
	case "keys":
		f = func(*runtime, values) (any, error) { return append([]any{}, keys...), nil }
	case "values", "items":
		f = func(*runtime, values) (any, error) {
			all := make([]any, len(keys))
			for i, key := range keys {
				value, _ := get(key)
				if all[i] = value; name == "items" {
					all[i] = python.Tuple{key, value}
				}
			}
			return all, nil
		}
	case "get":
		f = func(_ *runtime, args values) (any, error) {
			if value, ok := get(args.get(0, "key", nil)); ok {
				return value, nil
			}
			return args.get(1, "default", nil), nil
		}
	case "copy":
		f = func(*runtime, values) (any, error) {
			d := &python.Dict{}
			for _, key := range keys {
				value, _ := get(key)
				d.Set(key, value)
			}
			return d, nil
		}
	case "update", "setdefault":
		d, ok := of.(*python.Dict)
		if !ok {
			return nil, false
		}
		f = func(_ *runtime, args values) (any, error) {
			if name == "setdefault" {
				key := args.get(0, "key", nil)
				if value, ok := d.Get(key); ok {
					return value, nil
				}
				d.Set(key, args.get(1, "default", nil))
				return args.get(1, "default", nil), nil
			}
			if keys, get, ok := python.Mapping(args.get(0, "", nil)); ok {
				for _, key := range keys {
					value, _ := get(key)
					d.Set(key, value)
				}
			}
			for _, key := range sortedNames(args.named) {
				d.Set(key, args.named[key])
			}
			return nil, nil
		}
	default:
		return nil, false
	}
	return f, true
}

func listMethod(of any, name string) (any, bool) {
	items, _ := python.Items(of)
	l, changeable := of.(*python.List)
	var f function
	switch name {
	case "index", "count":
		f = func(_ *runtime, args values) (any, error) {
			n := 0
			for i, item := range items {
				if !equal(item, args.get(0, "value", nil)) {
					continue
				}
				if n++; name == "index" {
					return i, nil
				}
			}
			if name == "index" {
				return nil, errorf("ValueError", "%s is not in list", python.Repr(args.get(0, "value", nil)))
			}
			return n, nil
		}
	case "copy":
		f = func(*runtime, values) (any, error) { return &python.List{Items: append([]any{}, items...)}, nil }
	case "append", "extend", "insert", "pop", "reverse", "clear":
		if !changeable {
			return nil, false
		}
		f = func(r *runtime, args values) (any, error) { return change(r, l, name, args) }
	default:
		return nil, false
	}
	return f, true
}

func change(r *runtime, l *python.List, name string, args values) (any, error) {
	if len(l.Items) >= maxItems {
		return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
	}
	switch name {
	case "append":
		l.Items = append(l.Items, args.get(0, "object", nil))
	case "extend":
		more, err := r.iterate(args.get(0, "iterable", nil))
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, more...)
	case "insert":
		at, _ := args.get(0, "index", 0).(int)
		if at < 0 {
			at += len(l.Items)
		}
		at = min(max(at, 0), len(l.Items))
		l.Items = append(l.Items[:at:at], append([]any{args.get(1, "object", nil)}, l.Items[at:]...)...)
	case "pop":
		at, ok := args.get(0, "index", -1).(int)
		if at < 0 {
			at += len(l.Items)
		}
		if !ok || at < 0 || at >= len(l.Items) {
			return nil, errorf("IndexError", "pop index out of range")
		}
		value := l.Items[at]
		l.Items = append(l.Items[:at:at], l.Items[at+1:]...)
		return value, nil
	case "reverse":
		for i, j := 0, len(l.Items)-1; i < j; i, j = i+1, j-1 {
			l.Items[i], l.Items[j] = l.Items[j], l.Items[i]
		}
	case "clear":
		l.Items = nil
	}
	return nil, nil
}

type textMethod = func(r *runtime, s string, args values) (any, error)

// textMethods are the methods of Python's texts.
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
			i := f(s, text(args.get(0, "sub", "")))
			if i < 0 && must {
				return nil, errorf("ValueError", "substring not found")
			}
			if i > 0 {
				i = len([]rune(s[:i]))
			}
			return i, nil
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

func timeAttribute(t time.Time, name string) (any, bool) {
	numbers := map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(), "second": t.Second(),
		"microsecond": t.Nanosecond() / 1000,
	}
	if n, ok := numbers[name]; ok {
		return n, true
	}
	switch name {
	case "isoformat":
		return function(func(_ *runtime, args values) (any, error) {
			return strings.Replace(python.Str(t), " ", text(args.get(0, "sep", "T")), 1), nil
		}), true
	case "timestamp":
		return function(func(*runtime, values) (any, error) { return float64(t.UnixMicro()) / 1e6, nil }), true
	case "strftime":
		return function(func(_ *runtime, args values) (any, error) { return formatTime(t, text(args.get(0, "format", ""))) }), true
	}
	return nil, false
}

func formatTime(t time.Time, layout string) (any, error) {
	forms := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'I': "03", 'p': "PM", 'j': "002", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'f': "000000",
	}
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		switch form, ok := forms[layout[i]]; {
		case layout[i] == '%':
			b.WriteByte('%')
		case layout[i] == 'f':
			b.WriteString(t.Format(".000000")[1:])
		case ok:
			b.WriteString(t.Format(form))
		default:
			return nil, errorf("ValueError", "strftime's %%%c is not built into slipway", layout[i])
		}
	}
	return b.String(), nil
}
