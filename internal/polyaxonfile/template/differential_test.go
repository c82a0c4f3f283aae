package template

import (
	"os"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

func scope() map[string]any {
	return map[string]any{
		"i": 3, "s": "text", "b": true, "none_value": nil, "l": []any{1, "a", 2.5, nil}, "d": map[string]any{"a": 1, "b": 2},
		"users": []any{
			map[string]any{"name": "Ann", "age": 41, "admin": true}, map[string]any{"name": "Bob", "age": 29, "admin": false},
			map[string]any{"name": "Cid", "age": 35, "admin": true},
		},
		"nested":  []any{map[string]any{"n": "a", "c": []any{map[string]any{"n": "b", "c": []any{}}}}, map[string]any{"n": "c", "c": []any{}}},
		"globals": map[string]any{"uuid": "u1"},
		"params":  map[string]any{"i": map[string]any{"as_arg": "--i=3"}, "as_args": []any{"--i=3", "--s=text"}},
	}
}

// templates returns the templates of testdata.
func templates(t testing.TB) []string {
	text, err := os.ReadFile("testdata/templates.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if !strings.HasPrefix(line, "# ") {
			all = append(all, strings.ReplaceAll(line, `\n`, "\n"))
		}
	}
	return all
}

// TestAgainstPolyaxon compares the rendered texts and the errors with those of Polyaxon
// 2.18. The permitted differences are in known, with their reasons.
func TestAgainstPolyaxon(t *testing.T) {
	known := map[string]string{
		"{{ 10 ** 30 }}": "whole numbers end at 64 bits",
	}
	var answers []struct{ Text, Error *string }
	all := templates(t)
	testenv.Oracle(t, "testdata/render.py", map[string]any{"templates": all, "scope": scope()}, &answers)
	for i, template := range all {
		have, err := Render(template, scope())
		want := answers[i]
		differs := (err != nil) != (want.Error != nil) || err == nil && have != *want.Text
		if reason, listed := known[template]; listed != differs {
			wanted := "an error: "
			if want.Error != nil {
				wanted += *want.Error
			} else {
				wanted = *want.Text
			}
			t.Errorf("%q\nhave %q, %v\nwant %q\n%s", template, have, err, wanted, reason)
		}
	}
}
