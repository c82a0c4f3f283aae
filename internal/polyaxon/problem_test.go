package polyaxon

import (
	"reflect"
	"strings"
	"testing"
)

// TestProblems uses messages of real servers of 1.11.3 and 2.18.
func TestProblems(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []Problem
	}{
		{"pydantic, unknown key", `["1 validation error for V1Operation\nrun.foo\n  Extra inputs are not permitted [type=extra_forbidden, input_value=1, input_type=int]\n    For further information visit https://errors.pydantic.dev/2.14/v/extra_forbidden"]`,
			[]Problem{{Path: []string{"run", "foo"}, Message: "Extra inputs are not permitted"}}},
		{"pydantic, two", `["2 validation errors for V1Operation\nrun\n  Value error, Unsupported run.kind: 'jobx'. [type=value_error]\ncomponent.name\n  String should match pattern '^[-a-zA-Z0-9_]+\\z' [type=string_pattern_mismatch]"]`,
			[]Problem{{Path: []string{"run"}, Message: "Value error, Unsupported run.kind: 'jobx'."}, {Path: []string{"component", "name"}, Message: `String should match pattern '^[-a-zA-Z0-9_]+\z'`}}},
		{"a container's key, 2.18", `["V1Container.__init__() got an unexpected keyword argument 'imagee'"]`,
			[]Problem{{Path: []string{"imagee"}, Anywhere: true, Message: "V1Container.__init__() got an unexpected keyword argument 'imagee'"}}},
		{"marshmallow, unknown key", `["{'component': {'run': {0: {'xx': ['Unknown field.']}}}}"]`,
			[]Problem{{Path: []string{"component", "run", "0", "xx"}, Message: "Unknown field."}}},
		{"marshmallow, two", `["{'run': {0: {'environment': {'foo': ['Unknown field.']}, 'kind': [\"Unsupported value: it's\"]}}}"]`,
			[]Problem{{Path: []string{"run", "0", "environment", "foo"}, Message: "Unknown field."}, {Path: []string{"run", "0", "kind"}, Message: "Unsupported value: it's"}}},
		{"a container's key, 1.11.3", `["{'run': {0: {'container': [\"Error initializing V1Container, V1Container.__init__() got an unexpected keyword argument 'imagee'\"]}}}"]`,
			[]Problem{{Path: []string{"run", "0", "container", "imagee"}, Message: "Error initializing V1Container, V1Container.__init__() got an unexpected keyword argument 'imagee'"}}},
		{"a section, 1.11.3", "[\"Unexpected section `foo` in Polyaxonfile version `1.1`. Please check the Polyaxonfile specification.\"]",
			[]Problem{{Path: []string{"foo"}, Message: "Unexpected section `foo` in Polyaxonfile version `1.1`. Please check the Polyaxonfile specification."}}},
		{"no place", `["Collect the Polyaxonfile reference before composing its local fields."]`, nil},
		{"braces that are no dict", `["the value {{ x }} is not known", "half {'a': ["]`, nil},
		{"a field of the request", `{"name":["Enter a valid “slug”"]}`, nil},
	} {
		e := &Error{Kind: Invalid, Messages: messages([]byte(test.body))}
		if got := e.Problems(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	if got := (&Error{Kind: Server, Messages: []string{"{'a': ['b']}"}}).Problems(); got != nil {
		t.Errorf("a server that failed finds nothing wrong with the operation: %v", got)
	}
}

func FuzzProblems(f *testing.F) {
	for _, seed := range []string{
		`["1 validation error for V1Operation\nrun.foo\n  Extra [type=x]"]`, `["{'a': {0: {'b': ['Unknown field.', \"it's\"]}}, 'c': ('d',)}"]`,
		`{"detail":"JSON parse error"}`, `["\\{'\\x41\\u20ac'"]`, "<html>", "", strings.Repeat("[", 200),
		"[\"" + strings.Repeat("{'a': ", 200) + "\"]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		e := &Error{Kind: Invalid, Messages: messages([]byte(body))}
		for _, p := range e.Problems() {
			if len(p.Path) == 0 {
				t.Errorf("%q has a problem without a place: %+v", body, p)
			}
		}
		_ = e.Error()
	})
}
