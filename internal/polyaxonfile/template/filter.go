package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

type filterFunc = func(r *runtime, value any, args values) (any, error)

func isFilter(name string) bool { _, ok := filterTable()[name]; return ok }

// filter applies a filter to a value. As in Jinja, most filters return an error for an
// undefined value; exceptions are default and the filters that treat it as an empty list.
func (r *runtime) filter(name string, value any, args values) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	return filterTable()[name](r, value, args)
}

// filterTable returns Jinja's filters and Polyaxon's map_format. It omits random, whose
// result differs each time, and urlize and xmlattr, which produce HTML.
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

// defined returns an error if a value is undefined.
func defined(value any) error {
	if u, ok := value.(undefined); ok {
		return u.err()
	}
	return nil
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

func pprint(_ *runtime, value any, _ values) (any, error) { return python.Repr(value), nil }
