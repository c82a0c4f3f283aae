package types

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestConversions1 checks what Polyaxon 1.11.3 was observed to convert the values of
// inputs of every type to.
func TestConversions1(t *testing.T) {
	refused := errors.New("refused")
	hex := strings.Repeat("0123456789abcdef", 2)
	for _, test := range []struct {
		kind        string
		value, want any
	}{
		{"int", "1", 1}, {"int", 1.0, 1}, {"int", "1.0", 1}, {"int", "1e3", 1000}, {"int", " 7 ", 7}, {"int", "1_000", 1000}, {"int", true, 1},
		{"int", 1.5, refused}, {"int", "1.5", refused}, {"int", "abc", refused}, {"int", "", refused}, {"int", "True", refused}, {"int", "0x10", refused}, {"int", []any{1}, refused},
		{"float", "1", 1.0}, {"float", 1, 1.0}, {"float", "1e-3", 0.001}, {"float", " 2 ", 2.0}, {"float", true, 1.0}, {"float", "abc", refused}, {"float", "", refused}, {"metric", "1", 1.0},
		{"bool", true, true}, {"bool", "y", true}, {"bool", "YES", true}, {"bool", "on", true}, {"bool", "1", true}, {"bool", "n", false}, {"bool", "off", false}, {"bool", "0", false},
		{"bool", "", refused}, {"bool", "maybe", refused}, {"bool", 1, refused}, {"bool", 0, refused},
		{"str", "x", "x"}, {"str", 3, "3"}, {"str", 1.5, "1.5"}, {"str", true, "true"}, {"path", []any{1, "a"}, `[1, "a"]`}, {"str", map[string]any{"a": 1}, `{"a": 1}`},
		{"dict", map[string]any{"a": 1}, map[string]any{"a": 1}}, {"dict", `{"a": 1}`, map[string]any{"a": 1}}, {"dict", map[string]any{}, nil}, {"dict", "a", refused}, {"dict", "[1]", refused}, {"dict", 1, refused}, {"metadata", "{a: 1}", refused},
		{"dict_of_dicts", `{"a": {"b": 1}}`, map[string]any{"a": map[string]any{"b": 1}}}, {"dict_of_dicts", map[string]any{"a": 1}, refused},
		{"list", []any{1}, []any{1}}, {"list", "a,b", []any{"a", "b"}}, {"list", "a", []any{"a"}}, {"list", "[1,2]", []any{"[1", "2]"}}, {"list", "", []any{}}, {"list", 1, refused},
		{"uri", "user:pass@host", "user:pass@host"}, {"uri", map[string]any{"user": "u", "host": "h"}, map[string]any{"user": "u", "host": "h"}}, {"uri", "host", refused},
		{"auth", "u:p", "u:p"}, {"auth", "u", refused}, {"gcs", "gs://b/k", "gs://b/k"}, {"gcs", "s3://b/k", refused}, {"gcs", "b/k", refused}, {"s3", "s3://b/k", "s3://b/k"}, {"s3", "gs://b/k", "gs://b/k"}, {"s3", "b/k", refused},
		{"wasb", "wasbs://c@a.blob.core.windows.net/p", "wasbs://c@a.blob.core.windows.net/p"}, {"wasb", "https://a.blob.core.windows.net/c/p", "https://a.blob.core.windows.net/c/p"}, {"wasb", "az://c", "az://c"}, {"wasb", "foo", refused},
		{"date", "2021-01-02", "2021-01-02"}, {"date", "2021-1-2", "2021-1-2"}, {"date", "2021-01-02T03:04:05", refused}, {"date", 1, refused},
		{"datetime", "2021-01-02T03:04:05Z", "2021-01-02T03:04:05Z"}, {"datetime", "2021-01-02 03:04:05", "2021-01-02 03:04:05"}, {"datetime", "x", refused},
		{"uuid", hex, hex}, {"uuid", "12345678-1234-1234-1234-123456789012", "12345678123412341234123456789012"}, {"uuid", "x", refused},
		{"git", map[string]any{"url": "u"}, map[string]any{"url": "u"}}, {"git", `{"url": "u"}`, map[string]any{"url": "u"}}, {"git", "https://u", refused}, {"git", map[string]any{"nope": 1}, refused},
		{"dockerfile", map[string]any{"image": "i"}, map[string]any{"image": "i"}}, {"dockerfile", "i", refused}, {"dockerfile", map[string]any{"run": []any{}}, refused},
		{"artifacts", map[string]any{"files": []any{"a"}}, map[string]any{"files": []any{"a"}}}, {"artifacts", "a", refused}, {"event", map[string]any{"name": "a"}, map[string]any{"name": "a"}}, {"event", "a", refused},
		{"image", "anything", "anything"}, {"image", 1, refused}, {"any", 1, 1}, {"file", map[string]any{"content": "c"}, refused}, {"tensorboard", map[string]any{}, refused}, {"nonsense", 1, refused},
	} {
		have, err := IO{Name: "x", Kind: test.kind}.ConvertFor(test.value, schema.Version{Major: 1, Minor: 11, Patch: 3})
		switch {
		case test.want == refused && err == nil: //nolint:errorlint // the very same value
			t.Errorf("%s took %v as %v", test.kind, test.value, have)
		case test.want != refused && (err != nil || !cmp.Equal(test.want, have)): //nolint:errorlint // the very same value
			t.Errorf("%s made %#v (%v) of %#v", test.kind, have, err, test.value)
		}
	}
	for value, want := range map[string]any{"[1, 2]": []any{1, 2}, "1,2": []any{1, 2}, "1": refused, "a": refused} {
		have, err := IO{Name: "x", Kind: "int", List: true}.ConvertFor(value, schema.Version{Major: 1, Minor: 11, Patch: 3})
		if (want == refused) != (err != nil) || err == nil && !cmp.Equal(want, have) { //nolint:errorlint // the very same value
			t.Errorf("a list of int made %v (%v) of %s", have, err, value)
		}
	}
}
