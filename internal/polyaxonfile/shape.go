package polyaxonfile

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// shaper makes of the values of a valid file what a server of a version makes of
// them when it reads it: yes for a boolean becomes true, a text where a list is
// wanted becomes one, a date gets its zone.
type shaper struct {
	tables  *schema.Tables
	version Version
}

func newShaper(version Version) (*shaper, error) {
	tables, err := schema.Load()
	if err != nil {
		return nil, err
	}
	return &shaper{tables, version}, nil
}

// misfit is a value that a server does not take where it stands.
type misfit struct {
	path []string
	what string
}

func (e *misfit) Error() string {
	return "1 validation error for V1CompiledOperation\n" + strings.Join(e.path, ".") + "\n  " + e.what
}

// within puts a key before a misfit's path.
func within(key string, err error) error {
	if m, ok := err.(*misfit); ok { //nolint:errorlint // never wrapped
		m.path = append([]string{key}, m.path...)
	}
	return err
}

// file gives the object of a whole file. 2.18 has one for components and
// operations.
func (s *shaper) file(m map[string]any) *schema.Object {
	if isOperation(m) {
		return s.tables.Object("operation")
	}
	return s.tables.Object("component")
}

func isOperation(m map[string]any) bool { return (&File{root: m}).IsOperation() }

// object shapes a mapping. Keys that are given as nothing stay, as nil: in a patch
// they clear what is there.
func (s *shaper) object(o *schema.Object, m map[string]any) (map[string]any, error) {
	shaped := make(map[string]any, len(m))
	for key, value := range m {
		field, here, _ := o.Find(key, s.version)
		if !here {
			if o.Open {
				shaped[key] = cleaned(value)
				continue
			}
			if o.Kubernetes {
				return nil, &misfit{[]string{key}, o.Name + " got an unexpected keyword argument '" + key + "'"}
			}
			return nil, &misfit{[]string{key}, "Extra inputs are not permitted [type=extra_forbidden]"}
		}
		if value == nil || o.Kubernetes {
			shaped[key] = cleaned(value)
			continue
		}
		if text, ok := value.(string); ok && (key == "tags" || key == "presets") && isFile(o) && s.version.Major != 1 {
			value = splitList(text)
		}
		result, err := s.value(field.Type, value)
		if err != nil {
			return nil, within(key, err)
		}
		shaped[key] = result
	}
	for _, key := range o.Required(s.version) {
		if _, ok := m[key]; !ok && !o.Kubernetes {
			return nil, &misfit{[]string{key}, "Field required [type=missing]"}
		}
	}
	if o.Name == "io" && s.version.Major != 1 {
		s.io(shaped)
	}
	return shaped, nil
}

func isFile(o *schema.Object) bool {
	return o.Name == "operation" || o.Name == "component" || o.Name == "compiled_operation"
}

// splitList makes a list of a text with commas.
func splitList(text string) []any {
	list := []any{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// io makes an input with a value optional, and moves options to validation.
func (s *shaper) io(m map[string]any) {
	if _, given := m["value"]; given {
		if _, said := m["isOptional"]; !said {
			m["isOptional"] = true
		}
	}
	validation, _ := m["validation"].(map[string]any)
	if options := m["options"]; options != nil {
		if validation == nil {
			validation = map[string]any{}
			m["validation"] = validation
		}
		validation["options"] = options
		delete(m, "options")
	}
}

// notText begins a key that a template made no text.
const notText = "\x00"

func takesAny(t schema.Type) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Form == schema.Any })
}

// element shapes an element of a list or a mapping: nothing is no element.
func (s *shaper) element(t schema.Type, value any) (any, error) {
	if value == nil && !takesAny(t) {
		return nil, &misfit{nil, "Input should be a valid value [type=type_error]"}
	}
	return s.value(t, value)
}

// value shapes a value by the first choice that takes it as it is, or else by the
// first that converts it.
func (s *shaper) value(t schema.Type, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	var first error
	for _, exact := range []bool{true, false} {
		for _, choice := range t {
			if !choice.Has(s.version) {
				continue
			}
			result, ok, err := s.choice(choice, value, exact)
			if ok {
				return result, nil
			}
			if err != nil && first == nil {
				first = err
			}
		}
	}
	if first == nil {
		first = &misfit{nil, "Input should be another type [type=type_error]"}
	}
	return nil, first
}

func (s *shaper) choice(c schema.Choice, value any, exact bool) (any, bool, error) {
	switch c.Form {
	case schema.List:
		list, ok := value.([]any)
		if !ok {
			return nil, false, nil
		}
		shaped := make([]any, len(list))
		for i, element := range list {
			result, err := s.element(c.Elem, element)
			if err != nil {
				return nil, false, within(strconv.Itoa(i), err)
			}
			shaped[i] = result
		}
		return shaped, true, nil
	case schema.Map:
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false, nil
		}
		shaped := make(map[string]any, len(m))
		for key, element := range m {
			if len(c.Elem) > 0 && c.Elem[0].Form == schema.Mapping && c.Elem[0].Object.Name == "shortparam" {
				element = longParam(element)
			}
			result, err := s.element(c.Elem, element)
			if _, numbered := strings.CutPrefix(key, notText); numbered && !takesAny(c.Elem) {
				err = &misfit{nil, "Input should be a valid string [type=string_type]"}
			}
			if err != nil {
				return nil, false, within(key, err)
			}
			shaped[key] = result
		}
		return shaped, true, nil
	case schema.Mapping:
		m, ok := value.(map[string]any)
		if !ok {
			return s.compact(c.Object, value)
		}
		shaped, err := s.object(s.entry(c.Object, m), m)
		return shaped, err == nil, err
	case schema.OneOf:
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false, nil
		}
		name, _ := m["kind"].(string)
		kind, here, _ := c.Union.Find(name, s.version)
		if !here {
			if c.Union.Name == "run" && m["kind"] == nil && !s.version.Before(since218()) {
				return cloneAny(m), true, nil // laid over the component's run
			}
			return nil, false, &misfit{[]string{"kind"}, "Value error, Unsupported kind: " + python.Repr(m["kind"]) + "."}
		}
		shaped, err := s.object(kind.Object, m)
		return shaped, err == nil, err
	}
	result, ok := shapeScalar(c, value, exact)
	return result, ok, nil
}

// entry gives the object of a file within a file: by its kind, where it has one.
func (s *shaper) entry(o *schema.Object, m map[string]any) *schema.Object {
	if o.Name == "component" && m["kind"] == "operation" {
		return s.tables.Object("operation")
	}
	return o
}

// compact reads a list of an object's values, or a text of them joined by colons.
func (s *shaper) compact(o *schema.Object, value any) (any, bool, error) {
	values, ok := value.([]any)
	if text, isText := value.(string); isText {
		ok = true
		for _, part := range strings.Split(text, ":") {
			number, err := python.ParseJSON(strings.TrimSpace(part))
			if err != nil {
				return nil, false, nil //nolint:nilerr // it does not fit
			}
			values = append(values, number)
		}
	}
	keys := o.Keys(s.version)
	if !o.Compact || !ok || len(values) > len(keys) {
		return nil, false, nil
	}
	m := map[string]any{}
	for i, value := range values {
		m[keys[i]] = value
	}
	shaped, err := s.object(o, m)
	return shaped, err == nil, err
}

// cleaned copies a value, with keys as JSON has them.
func cleaned(value any) any {
	switch x := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for key, element := range x {
			m[strings.TrimPrefix(key, notText)] = cleaned(element)
		}
		return m
	case []any:
		list := make([]any, len(x))
		for i, element := range x {
			list[i] = cleaned(element)
		}
		return list
	}
	return value
}

// isReference tells whether Polyaxon takes a text for one that stands for a value.
func isReference(text string) bool {
	_, rest, ok := strings.Cut(text, "{{")
	if !ok {
		return false
	}
	for _, line := range strings.Split(rest, "\n") {
		if i := strings.LastIndex(line, "}}"); i > 0 {
			return true
		}
	}
	return false
}

// shapeScalar converts a scalar to a form.
func shapeScalar(c schema.Choice, value any, exact bool) (any, bool) {
	text, isText := value.(string)
	number, isNumber := python.Number(value)
	_, isBool := value.(bool)
	switch c.Form {
	case schema.Any:
		return cleaned(value), true
	case schema.Value:
		if isText {
			return text, true
		}
		return python.JSON(value), value != nil
	case schema.Text:
		return text, isText
	case schema.Name:
		return text, isText && isName(text)
	case schema.Template:
		return text, isText && isReference(text)
	case schema.Enum:
		return text, isText && slices.Contains(c.Words, text)
	case schema.Bool:
		if isBool || exact {
			return value, isBool
		}
		return toBool(value)
	case schema.Int, schema.LooseInt, schema.Count, schema.LooseCount:
		if i, ok := value.(int); ok {
			return i, i > 0 || c.Form == schema.Int || c.Form == schema.LooseInt
		}
		if exact || c.Form == schema.Int || isText && c.Form == schema.Count {
			return nil, false
		}
		i, ok := toInt(value)
		return i, ok
	case schema.Float, schema.Positive:
		if isText && !exact {
			f, ok := toFloat(text)
			return f, ok
		}
		return number, isNumber && (!isBool || !exact)
	case schema.StrictFloat:
		return value, isNumber && !isBool
	case schema.Date, schema.DateTime:
		return shapeTime(c.Form, value)
	case schema.Duration:
		return toDuration(value)
	case schema.Quantity, schema.IntOrText:
		return value, true
	}
	return nil, false
}

// toBool reads what Polyaxon 2 takes for a boolean.
func toBool(value any) (any, bool) {
	switch x := value.(type) {
	case bool:
		return x, true
	case string:
		switch strings.ToLower(x) {
		case "y", "yes", "t", "true", "on", "1":
			return true, true
		case "n", "no", "f", "false", "off", "0":
			return false, true
		}
	case int, float64:
		n, _ := python.Number(x)
		return n == 1, n == 0 || n == 1
	}
	return nil, false
}

// toInt reads what Polyaxon 2 takes for a whole number.
func toInt(value any) (any, bool) {
	switch x := value.(type) {
	case int:
		return x, true
	case bool:
		n, _ := python.Number(x)
		return int(n), true
	case float64:
		return int(x), x == math.Trunc(x) && math.Abs(x) < 1<<63
	case string:
		plain := strings.TrimSpace(x)
		if whole, fraction, ok := strings.Cut(plain, "."); ok && strings.Trim(fraction, "0") == "" {
			plain = whole
		}
		if strings.HasPrefix(plain, "_") || strings.HasSuffix(plain, "_") || strings.Contains(plain, "__") {
			return nil, false
		}
		i, err := strconv.Atoi(strings.ReplaceAll(plain, "_", ""))
		return i, err == nil
	}
	return nil, false
}

// toFloat reads a text as Python's float does.
func toFloat(text string) (float64, bool) {
	plain := strings.TrimSpace(text)
	if strings.ContainsAny(plain, "xXpP") || strings.HasPrefix(plain, "_") || strings.HasSuffix(plain, "_") || strings.Contains(plain, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(plain, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// shapeTime gives a date or a time as Polyaxon writes it.
func shapeTime(form schema.Form, value any) (any, bool) {
	var at time.Time
	switch x := value.(type) {
	case string:
		ok := false
		for _, layout := range []string{
			time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04",
			"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02",
		} {
			parsed, err := time.Parse(layout, x)
			if err == nil {
				at, ok = parsed, true
				break
			}
		}
		if !ok {
			f, isNumber := toFloat(x)
			if !isNumber {
				return nil, false
			}
			at = time.UnixMicro(int64(f * 1e6)).UTC()
		}
	case int, float64:
		f, _ := python.Number(x)
		at = time.UnixMicro(int64(f * 1e6)).UTC()
	default:
		return nil, false
	}
	if form == schema.Date {
		return at.Format("2006-01-02"), at.Equal(at.Truncate(24 * time.Hour))
	}
	if at.Nanosecond() >= 1000 {
		return at.Format("2006-01-02T15:04:05.000000-07:00"), true
	}
	return at.Format("2006-01-02T15:04:05-07:00"), true
}

// toDuration gives seconds.
func toDuration(value any) (any, bool) {
	text, isText := value.(string)
	if !isText {
		f, ok := python.Number(value)
		return f, ok
	}
	if clock := strings.Split(strings.TrimPrefix(text, "-"), ":"); len(clock) > 1 {
		total := 0.0
		days, last, found := strings.Cut(clock[0], " ")
		if found {
			n, ok := toFloat(days)
			if !ok {
				return nil, false
			}
			total, clock[0] = n*86400, strings.TrimSpace(strings.TrimLeft(last, "days, "))
		}
		unit := 3600.0
		for _, part := range clock {
			n, ok := toFloat(part)
			if !ok {
				return nil, false
			}
			total += n * unit
			unit /= 60
		}
		if strings.HasPrefix(text, "-") {
			total = -total
		}
		return total, true
	}
	rest, signed := strings.CutPrefix(text, "-")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(rest, "+"), "P")
	if !ok || rest == "" {
		return nil, false
	}
	total := 0.0
	units := map[byte]float64{'W': 7 * 86400, 'D': 86400}
	for rest != "" {
		if rest[0] == 'T' {
			units = map[byte]float64{'H': 3600, 'M': 60, 'S': 1}
			rest = rest[1:]
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if end < 1 || units[rest[end]] == 0 {
			return nil, false
		}
		n, ok := toFloat(rest[:end])
		if !ok {
			return nil, false
		}
		total += n * units[rest[end]]
		rest = rest[end+1:]
	}
	if signed {
		total = -total
	}
	return total, true
}

// longParam gives a param in its long form.
func longParam(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return map[string]any{"value": value}
	}
	for _, key := range []string{"value", "ref", "toInit", "toEnv", "contextOnly", "connection"} {
		if _, given := m[key]; given {
			return m
		}
	}
	if len(m) == 0 {
		return m
	}
	return map[string]any{"value": m}
}

// prune leaves out the keys of Polyaxon's objects that are given as nothing, as a
// server does when it writes an operation.
func (s *shaper) prune(o *schema.Object, m map[string]any) map[string]any {
	pruned := make(map[string]any, len(m))
	for key, value := range m {
		if value == nil {
			continue
		}
		if o.Kubernetes {
			pruned[key] = value
			continue
		}
		field, here, _ := o.Find(key, s.version)
		if !here {
			pruned[key] = value
			continue
		}
		pruned[key] = s.pruneValue(field.Type, value)
	}
	return pruned
}

func (s *shaper) pruneValue(t schema.Type, value any) any {
	for _, c := range t {
		if !c.Has(s.version) {
			continue
		}
		switch x := value.(type) {
		case map[string]any:
			switch c.Form {
			case schema.Mapping:
				return s.prune(s.entry(c.Object, x), x)
			case schema.OneOf:
				name, _ := x["kind"].(string)
				if kind, here, _ := c.Union.Find(name, s.version); here && name != "dag" {
					return s.prune(kind.Object, x)
				}
				return x
			case schema.Map:
				pruned := make(map[string]any, len(x))
				for key, element := range x {
					pruned[key] = s.pruneValue(c.Elem, element)
				}
				return pruned
			}
		case []any:
			if c.Form == schema.List {
				pruned := make([]any, len(x))
				for i, element := range x {
					pruned[i] = s.pruneValue(c.Elem, element)
				}
				return pruned
			}
		}
	}
	return value
}
