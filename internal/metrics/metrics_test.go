package metrics

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"unicode"
)

// TestLine reads lines as programs print them.
func TestLine(t *testing.T) {
	for name, test := range map[string]struct {
		lines   []string
		want    map[string]float64
		warning string // is in the only warning, "" for none
	}{
		"a line":               {[]string{`slipway-metrics {"val_acc": 0.93, "step": 10}`}, map[string]float64{"val_acc": 0.93}, ""},
		"the last line counts": {[]string{`slipway-metrics {"a": 1, "b": 2}`, `slipway-metrics {"a": 3, "step": 0}`}, map[string]float64{"a": 3, "b": 2}, ""},
		"a colon, and none":    {[]string{`slipway-metrics: {"a": 1}`, `slipway-metrics{"b": -2e-3}`}, map[string]float64{"a": 1, "b": -0.002}, ""},
		"blanks before it":     {[]string{"\t slipway-metrics {\"a\": 1}\r"}, map[string]float64{"a": 1}, ""},
		"another line":         {[]string{`the slipway-metrics`, `slipway-metrics-of {"a": 1}`, "", "x"}, nil, ""},
		"after a progress bar": {[]string{` 50%|##  | slipway-metrics {"a": 1}`}, nil, `the line 50%|##  | slipway-metrics {"a": 1} does not begin with slipway-metrics`},
		"echoed by a shell":    {[]string{`+ echo 'slipway-metrics {"a": 1}'`, `slipway-metrics {"a": 1}`}, map[string]float64{"a": 1}, ""},
		"an empty object":      {[]string{`slipway-metrics {}`}, nil, ""},
		"twice in one line":    {[]string{`slipway-metrics {"a": 1, "a": 2}`}, map[string]float64{"a": 2}, ""},

		"nothing after it":    {[]string{`slipway-metrics`}, nil, "ends too early"},
		"half a line":         {[]string{`slipway-metrics {"a": 1`}, nil, `the line slipway-metrics {"a": 1 has no metrics: it is not valid JSON: it ends too early`},
		"Python's own form":   {[]string{`slipway-metrics {'a': 1}`}, nil, "not valid JSON: invalid character"},
		"two objects":         {[]string{`slipway-metrics {"a": 1} {"b": 1}`}, nil, "there is text after the object"},
		"a list":              {[]string{`slipway-metrics [1]`}, nil, "not a JSON object"},
		"null":                {[]string{`slipway-metrics null`}, nil, "it is null"},
		"a text":              {[]string{`slipway-metrics {"a": "0.9", "b": 1}`}, map[string]float64{"b": 1}, `the value of "a" is not a number`},
		"objects inside":      {[]string{`slipway-metrics {"val": {"acc": 1, "f1": {"macro": 0.5}, "step": 2}, "loss": 3}`}, map[string]float64{"val.acc": 1, "val.f1.macro": 0.5, "val.step": 2, "loss": 3}, ""},
		"text inside":         {[]string{`slipway-metrics {"run": {"acc": 1, "device": "cpu"}, "empty": {}}`}, map[string]float64{"run.acc": 1}, `the value of "run.device" is not a number`},
		"a list inside":       {[]string{`slipway-metrics {"val": {"folds": [1, 2]}}`}, nil, `the value of "val.folds" is not a number`},
		"many objects inside": {[]string{`slipway-metrics ` + strings.Repeat(`{"a": `, 5000) + "1" + strings.Repeat("}", 5000)}, nil, "is not a name for a metric"},
		"a step of an object": {[]string{`slipway-metrics {"a": 1, "step": {"b": 2}}`}, map[string]float64{"a": 1}, "step is not a number"},
		"a boolean":           {[]string{`slipway-metrics {"a": true}`}, nil, `the value of "a" is not a number`},
		"a step of text":      {[]string{`slipway-metrics {"a": 1, "step": "x"}`}, map[string]float64{"a": 1}, "step is not a number"},
		"Python's NaN":        {[]string{`slipway-metrics {"a": 1, "NaN": 2}`, `slipway-metrics {"a": NaN}`}, map[string]float64{"NaN": 2}, `metric "a" is not a finite number (NaN)`},
		"a number after NaN":  {[]string{`slipway-metrics {"a": NaN}`, `slipway-metrics {"a": 1}`}, map[string]float64{"a": 1}, ""},
		"Python's infinities": {[]string{`slipway-metrics {"a\"Infinity": 1, "b": -Infinity}`}, map[string]float64{`a"Infinity`: 1}, `"b" is not a finite number (-Inf)`},
		"a huge number":       {[]string{`slipway-metrics {"a": 1e999, "b": 1e308, "c": 123456789012345678901234567890}`}, map[string]float64{"b": 1e308, "c": 123456789012345678901234567890}, `"a" is not a finite number (+Inf)`},

		"an escape in a name": {[]string{`slipway-metrics {"a\u001b[2J": 1}`}, nil, `"a\x1b[2J" is not a name for a metric`},
		"a control sequence":  {[]string{"slipway-metrics {\"a\x1b[2J\": 1}"}, nil, `\x1b[2J`},
		"text turned around":  {[]string{`slipway-metrics {"a\u202eb": 1}`}, nil, "is not a name"},
		"a line in a name":    {[]string{`slipway-metrics {"a\nb": 1}`}, nil, "is not a name"},
		"no name":             {[]string{`slipway-metrics {"": 1}`}, nil, "is not a name"},
		"a long name":         {[]string{`slipway-metrics {"` + strings.Repeat("é", 500) + `": 1}`}, nil, "is not a name"},
		"Markdown in a name":  {[]string{`slipway-metrics {"[a](http://x)|<b>": 1}`}, map[string]float64{"[a](http://x)|<b>": 1}, ""},
	} {
		s := &Source{}
		for _, line := range test.lines {
			s.Line(line)
		}
		got, _, warnings := Combine(s)
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		if text := strings.Join(warnings, "\n"); (test.warning == "") != (text == "") || !strings.Contains(text, test.warning) || len(warnings) > 1 {
			t.Errorf("%s: the warnings are %q, want one with %q", name, warnings, test.warning)
		}
	}
}

// TestPrecedence checks which source decides.
func TestPrecedence(t *testing.T) {
	first, second := &Source{}, &Source{}
	first.Set("a", 1)
	first.Set("lost", math.NaN())
	second.File([]byte("\ufeff" + `{"a": 2, "b": 3, "lost": 4}`))
	got, _, warnings := Combine(first, second)
	if want := map[string]float64{"a": 1, "b": 3}; !maps.Equal(got, want) || len(warnings) != 1 {
		t.Errorf("%v with %q, want %v", got, warnings, want)
	}
}

// TestMany reads far more than a run should tell.
func TestMany(t *testing.T) {
	s := &Source{}
	for n := range 10_000 {
		s.Line(fmt.Sprintf(`slipway-metrics {"m%05d": 1, "bad": "x"}`, n))
	}
	got, _, warnings := Combine(s)
	if len(got) != MaxNames || len(warnings) != maxWarnings+2 {
		t.Errorf("%d metrics, %q", len(got), warnings)
	}
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "9995 more warnings") || !strings.Contains(text, "8000 values of other names") {
		t.Errorf("the warnings are %s", text)
	}
}

// TestCondition parses and applies conditions.
func TestCondition(t *testing.T) {
	for _, test := range []struct {
		text        string
		value, base float64
		bound       float64
		holds       bool
	}{
		{">= 0.9", 0.9, 0, 0.9, true},
		{">=0.9", 0.89, 0, 0.9, false},
		{" < -1e-3 ", -0.002, 0, -0.001, true},
		{"> .5", 0.5, 0, 0.5, false},
		{"== 1", 1, 0, 1, true},
		{"== 1", 2, 0, 1, false},
		{"<= base", 0.2, 0.2, 0.2, true},
		{"> base", 0.2, 0.2, 0.2, false},
		{"<= base + 1%", 0.202, 0.2, 0.202, true},
		{"<= base + 1%", 0.203, 0.2, 0.202, false},
		{"<= base + 10%", -0.95, -1, -0.9, true}, // a percentage is one of the absolute value
		{">= base-0.05", 0.86, 0.9, 0.85, true},
		{">= 0.9", math.NaN(), 0, 0.9, false},
		{"<= 0.9", math.NaN(), 0, 0.9, false},
	} {
		c, err := ParseCondition(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if bound := c.Bound(test.base); math.Abs(bound-test.bound) > 1e-12 || c.Holds(test.value, bound) != test.holds {
			t.Errorf("%s: the bound is %v, want %v; it holds for %v: %v", test.text, bound, test.bound, test.value, !test.holds)
		}
	}
	for _, text := range []string{"", "0.9", ">= ", "=> 0.9", ">= 0.9%", ">= base * 2", ">= base + 1 %", ">= base + -1", ">= best", ">= 1e999", ">= NaN", "!= 1", ">= 0,9", ">= " + strings.Repeat("1", 300)} {
		if c, err := ParseCondition(text); err == nil {
			t.Errorf("%q was parsed as %+v", text, c)
		}
	}
}

// FuzzLine checks that what lines say is finite, bounded and safe to show.
func FuzzLine(f *testing.F) {
	for _, line := range []string{`{"val_acc": 0.93, "step": 10}`, `{"a": NaN, "b": -Infinity}`, `{"a\u001b": "x"}`, `{"a": 1e999`, ``, `{"a\"NaN": NaN}`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &Source{}
		s.Line(Word + " " + text)
		s.File([]byte(text))
		values, _, warnings := Combine(s)
		for name, value := range values {
			if math.IsNaN(value) || math.IsInf(value, 0) || !isName(name) {
				t.Errorf("%q is %v", name, value)
			}
		}
		if len(warnings) > 2*(maxWarnings+2) {
			t.Errorf("%d warnings", len(warnings))
		}
		for _, warning := range warnings {
			plain := strings.ReplaceAll(warning, "\t", "")
			if strings.ContainsFunc(plain, func(r rune) bool { return unicode.IsControl(r) && r != '\x1b' }) {
				t.Errorf("the warning %q is not safe to print", warning)
			}
		}
	})
}

// FuzzCondition checks that a condition can be parsed as it is printed, and always decides.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{">= 0.9", "<= base + 1%", "== base - 1e3", "> base", "< .5"} {
		f.Add(text, 0.5, 1.0)
	}
	f.Fuzz(func(t *testing.T, text string, value, base float64) {
		c, err := ParseCondition(text)
		if err != nil {
			return
		}
		again, err := ParseCondition(c.String())
		if err != nil || *again != *c {
			t.Errorf("%q is printed as %q, which is %+v, %v", text, c, again, err)
		}
		if c.Holds(math.NaN(), c.Bound(base)) {
			t.Errorf("NaN meets %q", text)
		}
		_ = c.Holds(value, c.Bound(base))
	})
}
