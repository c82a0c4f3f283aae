package template

import (
	"fmt"
	"html"
	"math"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

type filterFunc = func(r *runtime, value any, args values) (any, error)

func isFilter(name string) bool { _, ok := filterTable()[name]; return ok }

// filter puts a value through a filter. A filter other than default, and those that
// take nothing for an empty list, refuses a name that nothing defines as Jinja does.
func (r *runtime) filter(name string, value any, args values) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	return filterTable()[name](r, value, args)
}

// filterTable is Jinja's filters, and Polyaxon's map_format. Not among them are
// random, which has another result each time, and urlize and xmlattr, which make
// HTML.
func filterTable() map[string]filterFunc {
	simple := func(f func(string) string) filterFunc {
		return func(_ *runtime, value any, _ values) (any, error) { return f(text(value)), nil }
	}
	return map[string]filterFunc{
		"abs": absolute, "attr": attrFilter, "batch": batch, "capitalize": simple(capitalized), "center": center, "count": length,
		"d": fallback, "default": fallback, "dictsort": dictSort, "e": simple(escape), "escape": simple(escape), "forceescape": simple(escape),
		"filesizeformat": fileSize, "first": first, "float": toFloat, "format": formatFilter, "groupby": groupBy, "indent": indent,
		"int": toInt, "items": itemsFilter, "join": join, "last": last, "length": length, "list": toList, "lower": simple(strings.ToLower),
		"map": mapFilter, "map_format": mapFormat, "max": extreme(1), "min": extreme(-1), "pprint": pprint, "reject": choose(false, false),
		"rejectattr": choose(false, true), "replace": replace, "reverse": reverse, "round": round, "safe": simple(func(s string) string { return s }),
		"select": choose(true, false), "selectattr": choose(true, true), "slice": slicesFilter, "sort": sorted, "string": simple(func(s string) string { return s }),
		"striptags": simple(stripTags), "sum": sum, "title": simple(titleFilter), "tojson": toJSON, "trim": trimFilter, "truncate": truncate,
		"unique": unique, "upper": simple(strings.ToUpper), "urlencode": urlEncode, "wordcount": wordCount, "wordwrap": wordWrap,
	}
}

// defined refuses a name that nothing defines.
func defined(value any) error {
	if u, ok := value.(undefined); ok {
		return u.err()
	}
	return nil
}

func absolute(_ *runtime, value any, _ values) (any, error) {
	switch x := value.(type) {
	case int:
		return max(x, -x), nil
	case float64:
		return math.Abs(x), nil
	case bool:
		f, _ := python.Number(x)
		return int(f), nil
	}
	if err := defined(value); err != nil {
		return nil, err
	}
	return nil, errorf("TypeError", "bad operand type for abs(): '%s'", typeName(value))
}

func attrFilter(_ *runtime, value any, args values) (any, error) {
	name := text(args.get(0, "name", ""))
	if err := defined(value); err != nil {
		return nil, err
	}
	if found, ok := method(value, name); ok {
		return found, nil
	}
	return undefined{"'" + typeName(value) + " object' has no attribute " + python.Repr(name)}, nil
}

func count(args values, n int, name string, otherwise int) (int, error) {
	value := args.get(n, name, otherwise)
	if i, ok := value.(int); ok {
		return i, nil
	}
	return 0, errorf("TypeError", "'%s' object cannot be interpreted as an integer", typeName(value))
}

func batch(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	size, err := count(args, 0, "linecount", 0)
	if err != nil || size < 1 {
		return nil, errorf("TypeError", "batch needs a size")
	}
	var rows []any
	for len(items) > 0 {
		n := min(size, len(items))
		row := append([]any{}, items[:n]...)
		items = items[n:]
		if fill := args.get(1, "fill_with", nil); fill != nil {
			if size > maxItems {
				return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
			}
			for len(row) < size {
				row = append(row, fill)
			}
		}
		rows = append(rows, &python.List{Items: row})
	}
	return rows, nil
}

// slices makes a number of lists of about the same length.
func slicesFilter(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	n, err := count(args, 0, "slices", 0)
	if err != nil || n < 1 || n > maxItems {
		return nil, errorf("TypeError", "slice needs a number of slices")
	}
	each, extra := len(items)/n, len(items)%n
	var rows []any
	at := 0
	for i := range n {
		size := each
		if i < extra {
			size++
		}
		row := append([]any{}, items[at:at+size]...)
		if fill := args.get(1, "fill_with", nil); fill != nil && i >= extra && extra > 0 {
			row = append(row, fill)
		}
		at += size
		rows = append(rows, &python.List{Items: row})
	}
	return rows, nil
}

func center(_ *runtime, value any, args values) (any, error) {
	width, err := count(args, 0, "width", 80)
	if err != nil {
		return nil, err
	}
	return padded(text(value), width, " ", true, true)
}

func length(_ *runtime, value any, _ values) (any, error) {
	switch x := value.(type) {
	case string:
		return len([]rune(x)), nil
	case undefined:
		return 0, nil
	}
	if items, ok := python.Items(value); ok {
		return len(items), nil
	}
	if keys, _, ok := python.Mapping(value); ok {
		return len(keys), nil
	}
	return nil, errorf("TypeError", "object of type '%s' has no len()", typeName(value))
}

func fallback(_ *runtime, value any, args values) (any, error) {
	_, missing := value.(undefined)
	if missing || truth(args.get(1, "boolean", false)) && !truth(value) {
		return args.get(0, "default_value", ""), nil
	}
	return value, nil
}

func pairs(value any) ([]any, error) {
	keys, get, ok := python.Mapping(value)
	if !ok {
		if err := defined(value); err != nil {
			return nil, err
		}
		return nil, errorf("TypeError", "Can only get item pairs from a mapping.")
	}
	all := make([]any, len(keys))
	for i, key := range keys {
		element, _ := get(key)
		all[i] = python.Tuple{key, element}
	}
	return all, nil
}

func itemsFilter(_ *runtime, value any, _ values) (any, error) {
	if _, missing := value.(undefined); missing {
		return []any{}, nil
	}
	return pairs(value)
}

func dictSort(_ *runtime, value any, args values) (any, error) {
	all, err := pairs(value)
	if err != nil {
		return nil, err
	}
	by := 0
	switch args.get(1, "by", "key") {
	case "key":
	case "value":
		by = 1
	default:
		return nil, errorf("FilterArgumentError", "You can only sort by either \"key\" or \"value\"")
	}
	return ordered(all, truth(args.get(0, "case_sensitive", false)), truth(args.get(2, "reverse", false)), func(item any) (any, error) {
		pair, _ := python.Items(item)
		return pair[by], nil
	})
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

var htmlTag = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>`)

func stripTags(s string) string {
	return html.UnescapeString(strings.Join(strings.Fields(htmlTag.ReplaceAllString(s, "")), " "))
}

func fileSize(_ *runtime, value any, args values) (any, error) {
	f, ok := python.Number(value)
	if !ok {
		parsed, err := strconv.ParseFloat(text(value), 64)
		if err != nil {
			return nil, errorf("ValueError", "could not convert string to float: %s", python.Repr(text(value)))
		}
		f = parsed
	}
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if truth(args.get(0, "binary", false)) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case f == 1:
		return "1 Byte", nil
	case f < base:
		return fmt.Sprintf("%d Bytes", int(f)), nil
	}
	unit := base
	for _, prefix := range prefixes {
		if unit *= base; f < unit {
			return fmt.Sprintf("%.1f %s", base*f/unit, prefix), nil
		}
	}
	return fmt.Sprintf("%.1f %s", base*f/unit, prefixes[len(prefixes)-1]), nil
}

func first(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil || len(items) > 0 {
		return at(items, 0), err
	}
	return undefined{"No first item, sequence was empty."}, nil
}

func last(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil || len(items) > 0 {
		return at(items, len(items)-1), err
	}
	return undefined{"No last item, sequence was empty."}, nil
}

func at(items []any, i int) any {
	if i < 0 || i >= len(items) {
		return nil
	}
	return items[i]
}

// parseFloat reads a number as Python's float does.
func parseFloat(s string) (float64, bool) {
	s = strings.Trim(s, blanks)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

func toFloat(_ *runtime, value any, args values) (any, error) {
	if f, ok := python.Number(value); ok {
		return f, nil
	}
	if s, ok := value.(string); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
	}
	return args.get(0, "default", 0.0), nil
}

func toInt(_ *runtime, value any, args values) (any, error) {
	base, err := count(args, 1, "base", 10)
	if err != nil {
		return nil, err
	}
	switch x := value.(type) {
	case int:
		return x, nil
	case bool:
		f, _ := python.Number(x)
		return int(f), nil
	case float64:
		if math.IsNaN(x) || math.Abs(x) >= 1<<63 {
			return args.get(0, "default", 0), nil
		}
		return int(x), nil
	case string:
		digits := strings.ToLower(strings.Trim(x, blanks))
		if base == 16 || base == 8 || base == 2 {
			digits = strings.TrimPrefix(digits, map[int]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if i, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, 64); err == nil {
			return int(i), nil
		}
		if f, ok := parseFloat(x); ok && math.Abs(f) < 1<<63 {
			return int(f), nil
		}
	}
	return args.get(0, "default", 0), nil
}

func formatFilter(_ *runtime, value any, args values) (any, error) {
	if len(args.named) > 0 {
		return format(text(value), args.named)
	}
	return format(text(value), python.Tuple(args.positional))
}

// mapFormat is Polyaxon's own: the value in a pattern of %.
func mapFormat(_ *runtime, value any, args values) (any, error) {
	pattern := text(args.get(0, "pattern", ""))
	if name, ok := args.get(1, "variable_name", nil).(string); ok && name != "" {
		return format(pattern, map[string]any{name: value})
	}
	return format(pattern, value)
}

func indent(_ *runtime, value any, args values) (any, error) {
	var prefix string
	switch width := args.get(0, "width", 4).(type) {
	case int:
		filled, err := padded("", width, " ", true, false)
		if err != nil {
			return nil, err
		}
		prefix = text(filled)
	case string:
		prefix = width
	}
	lines := strings.Split(text(value)+"\n", "\n")
	lines = lines[:len(lines)-1]
	if len(lines)*len(prefix) > maxText {
		return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	for i := range lines {
		if i == 0 && !truth(args.get(1, "first", false)) || lines[i] == "" && !truth(args.get(2, "blank", false)) {
			continue
		}
		lines[i] = prefix + lines[i]
	}
	return strings.Join(lines, "\n"), nil
}

func join(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		if name := args.get(1, "attribute", nil); name != nil {
			if item, err = deepAttribute(item, name); err != nil {
				return nil, err
			}
		}
		parts[i] = text(item)
	}
	return joined(parts, text(args.get(0, "d", "")))
}

func toList(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	return &python.List{Items: append([]any{}, items...)}, err
}

// deepAttribute gives an attribute by a name with dots, or an element by number.
func deepAttribute(value, name any) (any, error) {
	if _, ok := name.(string); !ok {
		return itemOf(value, name)
	}
	for _, part := range strings.Split(text(name), ".") {
		var index any = part
		if n, err := strconv.Atoi(part); err == nil {
			index = n
		}
		if u, ok := value.(undefined); ok {
			return nil, u.err()
		}
		var err error
		if value, err = itemOf(value, index); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func mapFilter(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	mapped := make([]any, len(items))
	name, byAttribute := args.named["attribute"]
	for i, item := range items {
		switch {
		case byAttribute:
			if mapped[i], err = deepAttribute(item, name); err != nil {
				return nil, err
			}
			if _, missing := mapped[i].(undefined); missing {
				if otherwise, ok := args.named["default"]; ok {
					mapped[i] = otherwise
				}
			}
		case len(args.positional) == 0 || !isFilter(text(args.positional[0])):
			return nil, errorf("TemplateAssertionError", "No filter named %s.", python.Repr(text(args.get(0, "", ""))))
		default:
			if mapped[i], err = r.filter(text(args.positional[0]), item, values{args.positional[1:], args.named}); err != nil {
				return nil, err
			}
		}
	}
	return &python.List{Items: mapped}, nil
}

// choose is select, reject, selectattr and rejectattr.
func choose(keep, byAttribute bool) filterFunc {
	return func(r *runtime, value any, args values) (any, error) {
		items, err := r.iterate(value)
		if err != nil {
			return nil, err
		}
		rest := args.positional
		var name any
		if byAttribute {
			if len(rest) == 0 {
				return nil, errorf("FilterArgumentError", "Missing parameter for attribute name")
			}
			name, rest = rest[0], rest[1:]
		}
		kept := []any{}
		for _, item := range items {
			subject := item
			if byAttribute {
				if subject, err = deepAttribute(item, name); err != nil {
					return nil, err
				}
			}
			ok := truth(subject)
			if len(rest) > 0 {
				if !isTest(text(rest[0])) {
					return nil, errorf("TemplateAssertionError", "No test named %s.", python.Repr(text(rest[0])))
				}
				if ok, err = test(text(rest[0]), subject, values{rest[1:], args.named}); err != nil {
					return nil, err
				}
			}
			if ok == keep {
				kept = append(kept, item)
			}
		}
		return &python.List{Items: kept}, nil
	}
}

// ordered sorts by what by gives, without heed to upper case unless told.
func ordered(items []any, caseSensitive, reversed bool, by func(any) (any, error)) (any, error) {
	type entry struct{ key, item any }
	entries := make([]entry, len(items))
	for i, item := range items {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if s, ok := key.(string); ok && !caseSensitive {
			key = strings.ToLower(s)
		}
		entries[i] = entry{key, item}
	}
	var failed error
	sort.SliceStable(entries, func(i, j int) bool {
		a, b := entries[i].key, entries[j].key
		if reversed {
			a, b = b, a
		}
		order, ok := python.Compare(a, b)
		if !ok {
			failed = errorf("TypeError", "'<' not supported between instances of '%s' and '%s'", typeName(b), typeName(a))
		}
		return order < 0
	})
	all := make([]any, len(entries))
	for i, e := range entries {
		all[i] = e.item
	}
	return &python.List{Items: all}, failed
}

func byAttribute(name any) func(any) (any, error) {
	return func(item any) (any, error) {
		if name == nil {
			return item, nil
		}
		var keys []any
		for _, part := range strings.Split(text(name), ",") {
			key, err := deepAttribute(item, part)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		if len(keys) == 1 {
			return keys[0], nil
		}
		return keys, nil
	}
}

func sorted(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	return ordered(items, truth(args.get(1, "case_sensitive", false)), truth(args.get(0, "reverse", false)), byAttribute(args.get(2, "attribute", nil)))
}

func groupBy(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(0, "attribute", nil))
	all, err := ordered(items, truth(args.get(2, "case_sensitive", false)), false, by)
	if err != nil {
		return nil, err
	}
	arranged, _ := python.Items(all)
	var groups []any
	var group *python.List
	var current any
	for _, item := range arranged {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if group == nil || !equal(key, current) {
			group, current = &python.List{}, key
			groups = append(groups, python.Tuple{key, group})
		}
		group.Items = append(group.Items, item)
	}
	return groups, nil
}

func unique(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(1, "attribute", nil))
	var seen python.Dict
	kept := []any{}
	for _, item := range items {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if s, ok := key.(string); ok && !truth(args.get(0, "case_sensitive", false)) {
			key = strings.ToLower(s)
		}
		if _, known := seen.Get(key); known {
			continue
		}
		if !seen.Set(key, true) {
			return nil, errorf("TypeError", "unhashable type: '%s'", typeName(key))
		}
		kept = append(kept, item)
	}
	return &python.List{Items: kept}, nil
}

// extreme is max and min.
func extreme(sign int) filterFunc {
	return func(r *runtime, value any, args values) (any, error) {
		items, err := r.iterate(value)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return undefined{"No aggregated item, sequence was empty."}, nil
		}
		all, err := ordered(items, truth(args.get(0, "case_sensitive", false)), sign > 0, byAttribute(args.get(1, "attribute", nil)))
		if err != nil {
			return nil, err
		}
		arranged, _ := python.Items(all)
		return arranged[0], nil
	}
}

func pprint(_ *runtime, value any, _ values) (any, error) { return python.Repr(value), nil }

func replace(_ *runtime, value any, args values) (any, error) {
	n, ok := args.get(2, "count", -1).(int)
	if !ok {
		n = -1
	}
	return replaced(text(value), text(args.get(0, "old", "")), text(args.get(1, "new", "")), n)
}

func reverse(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	reversed := make([]any, len(items))
	for i, item := range items {
		reversed[len(items)-1-i] = item
	}
	if _, ok := value.(string); ok {
		var b strings.Builder
		for _, c := range reversed {
			b.WriteString(text(c))
		}
		return b.String(), nil
	}
	return &python.List{Items: reversed}, nil
}

func round(_ *runtime, value any, args values) (any, error) {
	f, ok := python.Number(value)
	if !ok {
		if err := defined(value); err != nil {
			return nil, err
		}
		return nil, errorf("TypeError", "type %s doesn't define __round__ method", typeName(value))
	}
	precision, err := count(args, 0, "precision", 0)
	if err != nil {
		return nil, err
	}
	scale := math.Pow(10, float64(precision))
	switch how := args.get(1, "method", "common"); how {
	case "common":
		if i, isInt := value.(int); isInt && precision >= 0 {
			return i, nil
		}
		if precision < 0 || precision > 300 {
			return math.RoundToEven(f*scale) / scale, nil
		}
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		return rounded, err
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	default:
		return nil, errorf("FilterArgumentError", "method must be common, ceil or floor")
	}
}

func sum(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(0, "attribute", nil))
	total := args.get(1, "start", 0)
	for _, item := range items {
		item, err := by(item)
		if err != nil {
			return nil, err
		}
		if total, err = arithmetic("+", total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

var wordStart = regexp.MustCompile(`[-\s({\[<]+|[^-\s({\[<]+`)

// titleFilter writes each word with a capital, as Jinja's title does.
func titleFilter(s string) string {
	return wordStart.ReplaceAllStringFunc(s, capitalized)
}

func toJSON(_ *runtime, value any, args values) (any, error) {
	if err := defined(value); err != nil {
		return nil, errorf("TypeError", "Object of type Undefined is not JSON serializable")
	}
	width := -1
	if n, ok := args.get(0, "indent", nil).(int); ok {
		width = min(n, 80)
	}
	var b strings.Builder
	if err := dumps(&b, value, width, 0); err != nil {
		return nil, err
	}
	return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(b.String()), nil
}

// dumps writes JSON as Python's json.dumps does, with sorted keys.
func dumps(b *strings.Builder, value any, width, level int) error {
	if b.Len() > maxText || level > maxDepth {
		return errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	line := func(level int) {
		if width >= 0 {
			b.WriteString("\n" + strings.Repeat(" ", width*level))
		}
	}
	separator := ", "
	if width >= 0 {
		separator = ","
	}
	if items, ok := python.Items(value); ok {
		b.WriteByte('[')
		for i, item := range items {
			if i > 0 {
				b.WriteString(separator)
			}
			line(level + 1)
			if err := dumps(b, item, width, level+1); err != nil {
				return err
			}
		}
		if len(items) > 0 {
			line(level)
		}
		b.WriteByte(']')
		return nil
	}
	if keys, get, ok := python.Mapping(value); ok {
		all, err := ordered(keys, true, false, func(key any) (any, error) { return key, nil })
		if err != nil {
			return err
		}
		keys, _ = python.Items(all)
		b.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				b.WriteString(separator)
			}
			line(level + 1)
			name := text(key)
			switch key.(type) {
			case bool, nil:
				name = python.JSON(key)
			}
			b.WriteString(ascii(python.JSON(name)) + ": ")
			element, _ := get(key)
			if err := dumps(b, element, width, level+1); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			line(level)
		}
		b.WriteByte('}')
		return nil
	}
	switch x := value.(type) {
	case string:
		b.WriteString(ascii(python.JSON(x)))
	case float64:
		switch {
		case math.IsNaN(x):
			b.WriteString("NaN")
		case math.IsInf(x, 0):
			b.WriteString(strings.Replace(python.Str(x), "inf", "Infinity", 1))
		default:
			b.WriteString(python.Str(x))
		}
	case nil, bool, int:
		b.WriteString(python.JSON(x))
	default:
		return errorf("TypeError", "Object of type %s is not JSON serializable", typeName(value))
	}
	return nil
}

// ascii writes what is not ASCII as \u escapes.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func trimFilter(_ *runtime, value any, args values) (any, error) {
	return trim(text(value), args.get(0, "chars", nil), true, true), nil
}

func truncate(_ *runtime, value any, args values) (any, error) {
	limit, err := count(args, 0, "length", 255)
	if err != nil {
		return nil, err
	}
	end := text(args.get(2, "end", "..."))
	leeway, err := count(args, 3, "leeway", 5)
	if args.get(3, "leeway", nil) == nil {
		leeway, err = 5, nil
	}
	if err != nil {
		return nil, err
	}
	runes := []rune(text(value))
	room := limit - len([]rune(end))
	switch {
	case room < 0 || leeway < 0:
		return nil, errorf("AssertionError", "expected length >= %d, got %d", len([]rune(end)), limit)
	case len(runes) <= limit+leeway:
		return string(runes), nil
	case truth(args.get(1, "killwords", false)):
		return string(runes[:room]) + end, nil
	}
	kept := string(runes[:room])
	if i := strings.LastIndexByte(kept, ' '); i >= 0 {
		kept = kept[:i]
	}
	return kept + end, nil
}

func urlEncode(r *runtime, value any, _ values) (any, error) {
	quote := func(s string, query bool) string {
		s = strings.ReplaceAll(url.QueryEscape(s), "%7E", "~")
		if !query {
			s = strings.ReplaceAll(strings.ReplaceAll(s, "+", "%20"), "%2F", "/")
		}
		return s
	}
	if s, ok := value.(string); ok {
		return quote(s, false), nil
	}
	items, isList := python.Items(value)
	if _, _, ok := python.Mapping(value); ok {
		items, _ = pairs(value)
		isList = true
	}
	if !isList {
		return quote(text(value), false), nil
	}
	var parts []string
	for _, item := range items {
		pair, err := r.iterate(item)
		if err != nil || len(pair) != 2 {
			return nil, errorf("ValueError", "urlencode needs pairs")
		}
		parts = append(parts, quote(text(pair[0]), true)+"="+quote(text(pair[1]), true))
	}
	return strings.Join(parts, "&"), nil
}

var wordPattern = regexp.MustCompile(`[\pL\pN_]+`)

func wordCount(_ *runtime, value any, _ values) (any, error) {
	return len(wordPattern.FindAllString(text(value), -1)), nil
}

func wordWrap(_ *runtime, value any, args values) (any, error) {
	width, err := count(args, 0, "width", 79)
	if err != nil || width < 1 {
		return nil, errorf("ValueError", "invalid width %d (must be > 0)", width)
	}
	var lines []string
	for _, line := range strings.Split(text(value), "\n") {
		var current []rune
		for _, word := range strings.Fields(line) {
			runes := []rune(word)
			if len(current) > 0 && len(current)+1+len(runes) > width {
				lines, current = append(lines, string(current)), nil
			}
			if len(current) > 0 {
				current = append(current, ' ')
			}
			current = append(current, runes...)
			for len(current) > width && truth(args.get(1, "break_long_words", true)) {
				lines, current = append(lines, string(current[:width])), current[width:]
			}
		}
		lines = append(lines, string(current))
	}
	newline := "\n"
	if s, ok := args.get(2, "wrapstring", nil).(string); ok {
		newline = s
	}
	return joined(lines, newline)
}
