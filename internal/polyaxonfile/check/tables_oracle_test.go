package check

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// latest is the release that the oracle uses.
var latest = schema.Version{Major: 2, Minor: 18}

// values are the YAML values with which each key is tried.
var values = []string{
	`a`, `""`, `"1"`, `1`, `1.0`, `1.5`, `-1`, `0`, `"1.5"`, `true`, `"true"`, `"yes"`, `null`, `"2021-01-02"`, `2021-01-02`, `2021-01-02 10:00:00`,
	`"2021-01-02T10:00:00Z"`, `"P1D"`, `86400`, `"{{ x }}"`, `"a{{ x }}"`, `"{% if x %}1{% endif %}"`, `[]`, `[a]`, `[1]`, `["{{ x }}"]`, `[null]`, `[[a, b]]`, `[{a: 1}]`,
	`{}`, `{a: b}`, `{a: 1}`, `{a: null}`, `{1: a}`, `{a: {b: c}}`, `1:30`, `"1:2:3"`, `99999999999999999999`,
}

// isKnown returns the key under which a difference is listed, or "" when it is not known.
func isKnown(x try, known []polyaxonfiletest.TableDifference) string {
	object, _, _ := strings.Cut(x.key, ".")
	for _, d := range known {
		for _, key := range d.Keys {
			if key == x.key || key == x.key+" = "+x.value || key == object+".*" || key == "* = "+x.value {
				return key
			}
		}
	}
	return ""
}

// TestTablesAgreeWithThePolyaxonParser tries every key of every object in the tables with
// every value, in an otherwise valid operation. slipway must report that the server
// refuses it if and only if Polyaxon's own parser does.
func TestTablesAgreeWithThePolyaxonParser(t *testing.T) {
	agree(t, latest, 2000, polyaxonfiletest.TableDifferences(), func(texts []string, verdicts any) {
		testenv.Oracle(t, filepath.Join("testdata", "verdicts.py"), texts, verdicts)
	})
}

// agree compares the tables of a version with the verdicts of its parser. Unless the tests
// are exhaustive, it uses a third of the tries if they are thorough, and otherwise a sample
// of this size. The parsers take minutes for all.
func agree(t *testing.T, version schema.Version, some int, known []polyaxonfiletest.TableDifference, ask func(texts []string, verdicts any)) {
	t.Helper()
	tries := tries(t, version)
	switch {
	case testenv.Exhaustive():
	case testenv.Thorough():
		tries = sample(tries, len(tries)/3)
	default:
		tries = sample(tries, some)
	}
	texts := make([]string, len(tries))
	for i, x := range tries {
		texts[i] = x.text
	}
	var verdicts []string
	ask(texts, &verdicts)
	wrong, met := 0, map[string]bool{}
	for i, x := range tries {
		f, problems := file.Load("f.yml", []byte(x.text))
		problems = append(problems, Validate(f, version)...)
		var refused []string
		for _, p := range problems {
			if p.Stage == file.StageSubmit && p.Severity == file.SeverityError {
				refused = append(refused, p.Message)
			}
		}
		if (len(refused) > 0) == (verdicts[i] != "") {
			continue
		}
		if key := isKnown(x, known); key != "" {
			met[key] = true
			continue
		}
		if wrong++; wrong < 400 {
			t.Errorf("%s = %s\n  slipway: %s\n  Polyaxon: %.200s", x.key, x.value, strings.Join(refused, "; "), strings.ReplaceAll(verdicts[i], "\n", " | "))
		}
	}
	for _, d := range known {
		for _, key := range d.Keys {
			if testenv.Exhaustive() && !met[key] {
				t.Errorf("%s does not differ any more", key)
			}
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

// route inserts an object of the tables into an otherwise valid operation.
type route struct {
	name   string
	object *schema.Object
	kind   string
	wrap   func(map[string]any) map[string]any
}

func tries(t *testing.T, version schema.Version) []try {
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
			if !f.Has(version) || f.Key == "kind" && r.kind != "" {
				continue
			}
			for _, value := range values {
				m := r.minimal(version)
				m[f.Key] = placeholder
				text, err := json.Marshal(r.wrap(m))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, try{r.name + "." + f.Key, value, strings.ReplaceAll(string(text), `"`+placeholder+`"`, value)})
			}
			if other := inSnakeCase(f.Key); other != f.Key {
				m := r.minimal(version)
				delete(m, f.Key)
				m[other] = smallestValue(f.Type, version)
				text, err := json.Marshal(r.wrap(m))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, try{r.name + "." + other, "the smallest", string(text)})
			}
			if r.object.Kubernetes {
				continue
			}
			for _, next := range routesOf(r, version, f.Key, f.Type, func(v any) any { return v }) {
				if !seen[next.name] {
					seen[next.name] = true
					routes = append(routes, next)
				}
			}
		}
	}
	return all
}

func inSnakeCase(key string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(key, "${1}_$2"))
}

const placeholder = "the value"

// routesOf returns the routes to the objects that a key may contain.
func routesOf(r route, version schema.Version, key string, t schema.Type, shape func(any) any) []route {
	var next []route
	add := func(o *schema.Object, kind string) {
		name := o.Name
		if kind != "" {
			name += "(" + kind + ")"
		}
		next = append(next, route{name, o, kind, func(m map[string]any) map[string]any {
			outer := r.minimal(version)
			outer[key] = shape(m)
			return r.wrap(outer)
		}})
	}
	for _, c := range t {
		if !c.Has(version) {
			continue
		}
		switch c.Form {
		case schema.Mapping:
			add(c.Object, "")
		case schema.OneOf:
			kinds := slices.Clone(c.Union.Kinds)
			slices.Reverse(kinds) // a grid accepts no distributions, a random matrix does
			for _, k := range kinds {
				if k.Has(version) {
					add(k.Object, k.Name)
				}
			}
		case schema.List:
			next = append(next, routesOf(r, version, key, c.Elem, func(v any) any { return shape([]any{v}) })...)
		case schema.Map:
			next = append(next, routesOf(r, version, key, c.Elem, func(v any) any { return shape(map[string]any{"a": v}) })...)
		}
	}
	return next
}

// minimal returns an object with only the required keys.
func (r route) minimal(version schema.Version) map[string]any {
	m := smallest(r.object, version)
	if r.kind != "" {
		m["kind"] = r.kind
	}
	return m
}

func smallest(o *schema.Object, version schema.Version) map[string]any {
	m := map[string]any{}
	for _, key := range o.Required(version) {
		f, _, _ := o.Find(key, version)
		m[key] = smallestValue(f.Type, version)
	}
	switch o.Name {
	case "operation", "component":
		maps.Copy(m, map[string]any{"kind": o.Name})
		if version.Major == 1 {
			m["version"] = 1.1
		}
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

func smallestValue(t schema.Type, version schema.Version) any {
	i := slices.IndexFunc(t, func(c schema.Choice) bool { return c.Has(version) })
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
		return []any{smallestValue(c.Elem, version)}
	case schema.Map:
		return map[string]any{"a": smallestValue(c.Elem, version)}
	case schema.Mapping:
		return smallest(c.Object, version)
	case schema.OneOf:
		if c.Union.Name == "hp" {
			return map[string]any{"kind": "choice", "value": []any{"a"}}
		}
		m := smallest(c.Union.Kinds[0].Object, version)
		m["kind"] = c.Union.Kinds[0].Name
		return m
	}
	return 1
}
