package shape_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// TestObject converts values as 1.11.3 and 2.18 do, and checks that it leaves the originals
// alone.
func TestObject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ object, text, old, recent string }{
		{"cache", `{disable: yes}`, `{"disable":true}`, `{"disable":true}`},
		{"cache", `{disable: "on", ttl: "60"}`, `{"disable":true,"ttl":60}`, "ttl: Input should be another type [type=type_error]"},
		{"cache", `{ttl: 60.0}`, `{"ttl":60}`, "ttl: Input should be another type [type=type_error]"},
		{"cache", `{ttl: 60.5}`, `{"ttl":60}`, "ttl: Input should be another type [type=type_error]"},
		{"cache", `{ttl: null}`, `{"ttl":null}`, `{"ttl":null}`},
		{"cache", `{tll: 1}`, "tll: Extra inputs are not permitted [type=extra_forbidden]", "tll: Extra inputs are not permitted [type=extra_forbidden]"},
		{"component", `{tags: 'a, b,,c', run: {kind: job}}`, "tags: Input should be another type [type=type_error]", `{"run":{"kind":"job"},"tags":["a","b","c"]}`},
		{"component", `{inputs: [{name: a, type: int}, {name: b, type: int, value: x}], run: {kind: job}}`,
			`{"inputs":[{"name":"a","type":"int"},{"name":"b","type":"int","value":"x"}],"run":{"kind":"job"}}`,
			`{"inputs":[{"name":"a","type":"int"},{"isOptional":true,"name":"b","type":"int","value":"x"}],"run":{"kind":"job"}}`},
		{"component", `{inputs: [{name: a, type: str, options: [x, y]}], run: {kind: job}}`,
			`{"inputs":[{"name":"a","options":["x","y"],"type":"str"}],"run":{"kind":"job"}}`,
			`{"inputs":[{"name":"a","type":"str","validation":{"options":["x","y"]}}],"run":{"kind":"job"}}`},
		{"component", `{inputs: [{type: int}], run: {kind: job}}`, "inputs.0.name: Field required [type=missing]", "inputs.0.name: Field required [type=missing]"},
		{"component", `{run: {kind: jib}}`, "run.kind: Value error, Unsupported kind: 'jib'.", "run.kind: Value error, Unsupported kind: 'jib'."},
		{"component", `{run: {kind: job, environment: {labels: {a: 1, b: null}}}}`, `{"run":{"environment":{"labels":{"a":"1","b":"null"}},"kind":"job"}}`,
			"run.environment.labels.b: Input should be a valid value [type=type_error]"},
		{"component", `{run: {kind: job, container: {image: a, imagePullPolicy: Always, nope: 1}}}`,
			"run.container.nope: Container got an unexpected keyword argument 'nope'", "run.container.nope: Container got an unexpected keyword argument 'nope'"},
		{"cron", `{kind: cron, cron: '0 0 * * *', startAt: '2026-01-02 03:04'}`,
			`{"cron":"0 0 * * *","kind":"cron","startAt":"2026-01-02T03:04:00"}`, `{"cron":"0 0 * * *","kind":"cron","startAt":"2026-01-02T03:04:00+00:00"}`},
		{"hpRange", `{kind: range, value: [0, 10, 2]}`, `{"kind":"range","value":{"start":0.0,"step":2.0,"stop":10.0}}`, `{"kind":"range","value":{"start":0.0,"step":2.0,"stop":10.0}}`},
		{"hpRange", `{kind: range, value: '0:10:2'}`, `{"kind":"range","value":{"start":0.0,"step":2.0,"stop":10.0}}`, `{"kind":"range","value":{"start":0.0,"step":2.0,"stop":10.0}}`},
		{"hpRange", `{kind: range, value: '0:10:2:3'}`, "value: Input should be another type [type=type_error]", "value: Input should be another type [type=type_error]"},
	} {
		for version, want := range map[schema.Version]string{{Major: 1, Minor: 11, Patch: 3}: test.old, schema.Newest(): test.recent} {
			s, err := shape.New(version)
			if err != nil {
				t.Fatal(err)
			}
			o := s.Tables.Object(test.object)
			if o == nil {
				t.Errorf("there is no %s", test.object)
				continue
			}
			from := polyaxonfiletest.Values(t, test.text)
			before := plain.Clone(from)
			shaped, err := s.Object(o, from)
			got := python.JSON(shaped)
			if invalid := (*shape.ValidationError)(nil); errors.As(err, &invalid) {
				got = strings.Join(invalid.Path, ".") + ": " + invalid.Message
			} else if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s of %s:\n%s\n got %s\nwant %s", test.object, version, test.text, got, want)
			}
			if !reflect.DeepEqual(from, before) {
				t.Errorf("%s of %s: %s became %v", test.object, version, test.text, from)
			}
		}
	}
}

// TestValidationError checks that the message is a server's.
func TestValidationError(t *testing.T) {
	t.Parallel()
	m := &shape.ValidationError{Path: []string{"run", "kind"}, Message: "wrong"}
	if want := "1 validation error for V1CompiledOperation\nrun.kind\n  wrong"; m.Error() != want {
		t.Errorf("%q, want %q", m.Error(), want)
	}
}

// TestPrune checks that null goes from Polyaxon's objects and from the fields of Kubernetes'
// ones, and stays within these and in free values.
func TestPrune(t *testing.T) {
	t.Parallel()
	s, err := shape.New(schema.Newest())
	if err != nil {
		t.Fatal(err)
	}
	from := polyaxonfiletest.Values(t, `{name: null, params: {a: {value: null, ref: null}, b: {value: {k: null}}},
  component: {cache: {ttl: null, disable: false}, run: {kind: job, container: {image: a, command: null, resources: {limits: null}}, environment: {labels: null, nodeName: x}}}}`)
	want := polyaxonfiletest.Values(t, `{params: {a: {}, b: {value: {k: null}}},
  component: {cache: {disable: false}, run: {kind: job, container: {image: a, resources: {limits: null}}, environment: {nodeName: x}}}}`)
	if got := s.Prune(s.Tables.Object("operation"), from); !reflect.DeepEqual(got, want) {
		t.Errorf(" got %v\nwant %v", got, want)
	}
}

// TestScalars checks which texts and numbers become booleans, integers, floats and times.
func TestScalars(t *testing.T) {
	t.Parallel()
	type result struct {
		value any
		ok    bool
	}
	no := result{nil, false}
	of := func(value any, ok bool) result {
		if !ok {
			return no
		}
		return result{value, ok}
	}
	for _, test := range []struct {
		what      string
		got, want result
	}{
		{"bool Yes", of(shape.ToBool("Yes")), result{true, true}},
		{"bool off", of(shape.ToBool("off")), result{false, true}},
		{"bool 1", of(shape.ToBool(1)), result{true, true}},
		{"bool 0.0", of(shape.ToBool(0.0)), result{false, true}},
		{"bool 2", of(shape.ToBool(2)), no},
		{"bool perhaps", of(shape.ToBool("perhaps")), no},
		{"bool null", of(shape.ToBool(nil)), no},
		{"int true", of(shape.ToInt(true)), result{1, true}},
		{"int 3.0", of(shape.ToInt(3.0)), result{3, true}},
		{"int 3.5", of(shape.ToInt(3.5)), no},
		{"int 1e300", of(shape.ToInt(1e300)), no},
		{"int ' 1_000.0 '", of(shape.ToInt(" 1_000.0 ")), result{1000, true}},
		{"int 1__0", of(shape.ToInt("1__0")), no},
		{"int 1.5", of(shape.ToInt("1.5")), no},
		{"float 1_0.5e1", of(floatOf("1_0.5e1")), result{105.0, true}},
		{"float -inf", of(floatOf(" -inf ")), result{math.Inf(-1), true}},
		{"float 0x10", of(floatOf("0x10")), no},
		{"float _1", of(floatOf("_1")), no},
		{"date", of(shape.Time(schema.Date, "2026-01-02")), result{"2026-01-02", true}},
		{"date with a time", of(shape.Time(schema.Date, "2026-01-02 03:04")), no},
		{"a whole number of days", of(shape.Time(schema.Date, 86400)), result{"1970-01-02", true}},
		{"time", of(shape.Time(schema.DateTime, "2026-01-02T03:04:05.5+02:00")), result{"2026-01-02T03:04:05.500000+02:00", true}},
		{"seconds", of(shape.Time(schema.DateTime, 1.5)), result{"1970-01-01T00:00:01.500000+00:00", true}},
		{"seconds as text", of(shape.Time(schema.DateTime, "60")), result{"1970-01-01T00:01:00+00:00", true}},
		{"no time", of(shape.Time(schema.DateTime, "soon")), no},
		{"a boolean is no time", of(shape.Time(schema.DateTime, true)), no},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", test.what, test.got, test.want)
		}
	}
}

func floatOf(text string) (any, bool) { return shape.ToFloat(text) }

// TestWords checks what counts as a template, a name, a date and a time.
func TestWords(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		is      func(string) bool
		yes, no []string
	}{
		"reference": {shape.IsReference, []string{"{{ a }}", "x{{a}}y", "{{a}} }}"}, []string{"", "{{}}", "{{ a", "a }}", "}} {{", "{{ a\n}}"}},
		"name":      {shape.IsName, []string{"a", "A-1_b", "0"}, []string{"", "a b", "a.b", "é"}},
		"date":      {shape.IsDate, []string{"2026-02-28"}, []string{"", "2026-02-30", "2026-2-3", "2026-02-03T00:00"}},
		"time":      {shape.IsDateTime, []string{"2026-02-28", "2026-02-28 01:02", "2026-02-28T01:02:03.5Z", "2026-02-28T01:02+01:00"}, []string{"", "01:02", "2026-02-28 25:00", "1700000000"}},
	} {
		for _, text := range test.yes {
			if !test.is(text) {
				t.Errorf("%q is a %s", text, what)
			}
		}
		for _, text := range test.no {
			if test.is(text) {
				t.Errorf("%q is no %s", text, what)
			}
		}
	}
}
