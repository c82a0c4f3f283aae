package polyaxonfile

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testbed"
)

// latest is the release that the oracle has.
var latest = Version{Major: 2, Minor: 18}

// values are what each key is tried with, as YAML.
var values = []string{
	`a`, `""`, `"1"`, `1`, `1.0`, `1.5`, `-1`, `0`, `"1.5"`, `true`, `"true"`, `"yes"`, `null`, `"2021-01-02"`, `2021-01-02`, `2021-01-02 10:00:00`,
	`"2021-01-02T10:00:00Z"`, `"P1D"`, `86400`, `"{{ x }}"`, `"a{{ x }}"`, `"{% if x %}1{% endif %}"`, `[]`, `[a]`, `[1]`, `["{{ x }}"]`, `[null]`, `[[a, b]]`, `[{a: 1}]`,
	`{}`, `{a: b}`, `{a: 1}`, `{a: null}`, `{1: a}`, `{a: {b: c}}`, `1:30`, `"1:2:3"`, `99999999999999999999`,
}

// knownDifferences are where slipway and the parser disagree, by key or by key and
// value, and why.
var knownDifferences = map[string]string{
	"rangeValue.*": reasonSpace, "spaceValue.*": reasonSpace, "logSpaceValue.*": reasonSpace, "dateRangeValue.step": reasonSpace,
	"qnormalValue.q": reasonSpace, "quniformValue.q": reasonSpace, "hpPChoice(pchoice).value": reasonSpace,
	"dateRangeValue.start":                           "the parser takes a day as seconds since 1970 where they make a whole day: slipway wants a date",
	"dateRangeValue.stop":                            "the same",
	"dateTimeRangeValue.start":                       "the parser cannot compare a time with a zone and one without: it depends on the other end",
	"dateTimeRangeValue.stop":                        "the same",
	"dateTimeRangeValue.step":                        "the parser compares it with the way from start to stop",
	"medianPolicy(median).evaluationInterval = null": reasonNull, "tpe(tpe).numRuns = null": reasonNull,
	"hpChoice(choice).value = null": reasonNull, "hpDateTimeRange(datetimerange).value = null": reasonNull,
	"environment.dnsConfig = {}": "an empty dnsConfig is refused by mistake, other empty objects are not",
	"* = 99999999999999999999":   "a moment in more than 9999 years: the parser's bounds for seconds",
	"dockerfile.image":           "the parser takes an image's name apart: a lint does (bad-image)",
}

const (
	reasonSpace = "what the numbers of a search space mean is a lint (bad-hyperparameter)"
	reasonNull  = "a key without a value: the parser's models say at random whether it is as good as no key"
)

// isKnown tells whether a difference is in the list.
func isKnown(x try) bool {
	object, _, _ := strings.Cut(x.key, ".")
	for _, key := range []string{x.key, x.key + " = " + x.value, object + ".*", "* = " + x.value} {
		if _, ok := knownDifferences[key]; ok {
			return true
		}
	}
	return false
}

// TestTablesAgreeWithThePolyaxonParser tries every key of every object of the
// tables with every value, in an operation that is right otherwise: slipway says
// that the server refuses it if and only if Polyaxon's own parser does.
func TestTablesAgreeWithThePolyaxonParser(t *testing.T) {
	tries := tries(t)
	if !testbed.Thorough() {
		tries = sample(tries, 2000)
	}
	texts := make([]string, len(tries))
	for i, x := range tries {
		texts[i] = x.text
	}
	var verdicts []string
	testbed.Oracle(t, filepath.Join("testdata", "schema", "verdicts.py"), texts, &verdicts)
	wrong := 0
	for i, x := range tries {
		f, problems := Load("f.yml", []byte(x.text))
		problems = append(problems, f.Validate(latest)...)
		var refused []string
		for _, p := range problems {
			if p.Stage == StageSubmit && p.Severity == SeverityError {
				refused = append(refused, p.Message)
			}
		}
		if (len(refused) > 0) == (verdicts[i] != "") {
			continue
		}
		if isKnown(x) {
			continue
		}
		if wrong++; wrong < 400 {
			t.Errorf("%s = %s\n  slipway: %s\n  Polyaxon: %.200s", x.key, x.value, strings.Join(refused, "; "), strings.ReplaceAll(verdicts[i], "\n", " | "))
		}
	}
	t.Logf("%d of %d differ", wrong, len(tries))
}

// try is one key with one value.
type try struct{ key, value, text string }

func sample(all []try, n int) []try {
	var some []try
	for i := 0; i < len(all); i += max(1, len(all)/n) {
		some = append(some, all[i])
	}
	return some
}

// route puts an object of the tables into an operation that is right otherwise.
type route struct {
	name   string
	object *schema.Object
	kind   string
	wrap   func(map[string]any) map[string]any
}

func tries(t *testing.T) []try {
	t.Helper()
	tables, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	operation := tables.Object("operation")
	routes := []route{{"operation", operation, "", func(m map[string]any) map[string]any { return m }}}
	seen := map[string]bool{"operation": true}
	var all []try
	for i := 0; i < len(routes); i++ {
		r := routes[i]
		for _, f := range r.object.Fields {
			if !f.Has(latest) || f.Key == "kind" && r.kind != "" {
				continue
			}
			for _, value := range values {
				m := r.minimal()
				m[f.Key] = placeholder
				text, err := json.Marshal(r.wrap(m))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, try{r.name + "." + f.Key, value, strings.ReplaceAll(string(text), `"`+placeholder+`"`, value)})
			}
			if r.object.Kubernetes {
				continue
			}
			for _, next := range routesOf(r, f.Key, f.Type, func(v any) any { return v }) {
				if !seen[next.name] {
					seen[next.name] = true
					routes = append(routes, next)
				}
			}
		}
	}
	return all
}

const placeholder = "the value"

// routesOf gives the routes to the objects that a key may hold.
func routesOf(r route, key string, t schema.Type, shape func(any) any) []route {
	var next []route
	add := func(o *schema.Object, kind string) {
		name := o.Name
		if kind != "" {
			name += "(" + kind + ")"
		}
		next = append(next, route{name, o, kind, func(m map[string]any) map[string]any {
			outer := r.minimal()
			outer[key] = shape(m)
			return r.wrap(outer)
		}})
	}
	for _, c := range t {
		if !c.Has(latest) {
			continue
		}
		switch c.Form {
		case schema.Mapping:
			add(c.Object, "")
		case schema.OneOf:
			kinds := slices.Clone(c.Union.Kinds)
			slices.Reverse(kinds) // a grid takes no distributions, a random search all spaces
			for _, k := range kinds {
				if k.Has(latest) {
					add(k.Object, k.Name)
				}
			}
		case schema.List:
			next = append(next, routesOf(r, key, c.Elem, func(v any) any { return shape([]any{v}) })...)
		case schema.Map:
			next = append(next, routesOf(r, key, c.Elem, func(v any) any { return shape(map[string]any{"a": v}) })...)
		}
	}
	return next
}

// minimal is an object with the keys that it must have.
func (r route) minimal() map[string]any {
	m := smallest(r.object)
	if r.kind != "" {
		m["kind"] = r.kind
	}
	return m
}

func smallest(o *schema.Object) map[string]any {
	m := map[string]any{}
	for _, key := range o.Required(latest) {
		f, _, _ := o.Find(key, latest)
		m[key] = smallestValue(f.Type)
	}
	switch o.Name {
	case "operation", "component":
		maps.Copy(m, map[string]any{"kind": o.Name})
		if o.Name == "operation" {
			m["component"] = map[string]any{"kind": "component", "run": map[string]any{"kind": "job"}}
		} else {
			m["run"] = map[string]any{"kind": "job"}
		}
	}
	if o.Name == "utilityFunction" {
		m["kappa"] = 1
	}
	for key, value := range map[string]any{"start": 1, "stop": 3, "low": 1, "high": 3} {
		if _, ok := m[key]; ok && !strings.HasPrefix(o.Name, "date") {
			m[key] = value
		}
	}
	if strings.HasPrefix(o.Name, "date") {
		m["start"], m["stop"] = "2021-01-01", "2021-03-01"
	}
	return m
}

func smallestValue(t schema.Type) any {
	i := slices.IndexFunc(t, func(c schema.Choice) bool { return c.Has(latest) })
	switch c := t[i]; c.Form {
	case schema.Text, schema.Name, schema.Any, schema.Value:
		return "a"
	case schema.Bool:
		return true
	case schema.Date, schema.DateTime:
		return "2021-01-02"
	case schema.Enum:
		return c.Words[0]
	case schema.List:
		return []any{smallestValue(c.Elem)}
	case schema.Map:
		return map[string]any{"a": smallestValue(c.Elem)}
	case schema.Mapping:
		return smallest(c.Object)
	case schema.OneOf:
		if c.Union.Name == "hp" {
			return map[string]any{"kind": "choice", "value": []any{"a"}}
		}
		m := smallest(c.Union.Kinds[0].Object)
		m["kind"] = c.Union.Kinds[0].Name
		return m
	}
	return 1
}
