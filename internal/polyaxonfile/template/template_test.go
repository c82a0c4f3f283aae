package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	for text, want := range map[string][]Name{
		"{{ a }}":                          {{Path: []string{"a"}, Line: 1, Alone: true}},
		"x\n{{ a.b['c'].d }}!":             {{Path: []string{"a", "b", "c", "d"}, Line: 2, Alone: true}},
		"{{ a or b[c] }}":                  {{Path: []string{"a"}, Line: 1}, {Path: []string{"b"}, Line: 1}, {Path: []string{"c"}, Line: 1}},
		"{{ a | default(b) }}":             {{Path: []string{"a"}, Line: 1, Tolerated: true}, {Path: []string{"b"}, Line: 1}},
		"{% if a is defined %}{% endif %}": {{Path: []string{"a"}, Line: 1, Tolerated: true}},
		"{% for x in xs if y %}{{ x }}{{ loop.index }}{% endfor %}{{ x }}":      {{Path: []string{"xs"}, Line: 1}, {Path: []string{"y"}, Line: 1}, {Path: []string{"x"}, Line: 1, Alone: true}},
		"{% set x = y %}{{ x }}{% macro m(p) %}{{ p }}{% endmacro %}{{ m(1) }}": {{Path: []string{"y"}, Line: 1}},
		"{{ 'a' }}{# {{ no }} #}{% raw %}{{ no }}{% endraw %}":                  nil,
	} {
		parsed, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, parsed.Names()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestLimits checks that templates that would never end, or grow without limit, return an
// error.
func TestLimits(t *testing.T) {
	for text, want := range map[string]string{
		"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}": "may never end",
		"{% set x = 'xxxxxxxxxx' * 1000 %}{% for a in range(200) %}{{ x }}{% endfor %}":    "beyond 1 MiB",
		"{{ 'x' * 10000000 }}":                            "beyond 1 MiB",
		"{{ [1] * 10000000 }}":                            "more than",
		"{{ range(10000000) }}":                           "Range too big",
		"{{ 'x' | center(100000000) }}":                   "beyond 1 MiB",
		"{{ '%1000000000d' | format(1) }}":                "too large",
		"{{ 9 ** 9 ** 9 }}":                               "64 bits",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}": "calls itself without end",
		"{{ " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + " }}": "nested too deeply",
		"{{ " + strings.Repeat("not ", 5000) + "1 }}":                               "nested too deeply",
		strings.Repeat("{% if 1 %}", 500) + strings.Repeat("{% endif %}", 500):      "nested too deeply",
	} {
		if _, err := Render(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, text := range templates(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rendered, err := Render(text, scope())
		if err == nil && len(rendered) > maxText+len(text) {
			t.Errorf("%d bytes", len(rendered))
		}
		if _, parseError := Parse(text); parseError == nil && err == nil && !Has(text) && rendered != text {
			t.Errorf("a plain text became %q", rendered)
		}
	})
}
