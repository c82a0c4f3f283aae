package yaml11

import (
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestScalarsAreReadAsPyYAMLReadsThem checks scalars against what PyYAML 6 was observed
// to return or to raise.
func TestScalarsAreReadAsPyYAMLReadsThem(t *testing.T) {
	type failure string
	huge, _ := new(big.Int).SetString("99999999999999999999", 10)
	for text, want := range map[string]any{
		"yes": true, "off": false, "1e3": "1e3", "1.0e3": "1.0e3", "1.0e+3": 1000.0, "1:30": 90, "0o10": "0o10", "010": 8, "0x1f": 31,
		"1_000": 1000, "1__0": 10, "~": nil, "": nil, "Null": nil, "nUll": "nUll", "TRUE": true, "tRue": "tRue", "y": "y", ".5": 0.5,
		"+.5": "+.5", "-.5": "-.5", "1.": 1.0, "'1'": "1", "-3": -3, "+1": 1, "007": 7, "08": "08", "0_": 0, "190:20:30": 685230,
		"190:20:30.15": 685230.15, "1:60": "1:60", "6.8523015e+5": 685230.15, "685.230_15e+03": 685230.15, "12e03": "12e03", "1,000": "1,000",
		"0x": "0x", "--1": "--1", "1:2:3": 3723, "+1:30": 90, "-1:30": -90, "0b101": 5, "99999999999999999999": huge,
		"2026-11-23": "2026-11-23", "2021-1-2": "2021-1-2", "2001-12-14t21:59:43.10-05:00": "2001-12-14T21:59:43.100000-05:00",
		"2001-12-14 21:59:43.10 -5": "2001-12-14T21:59:43.100000-05:00", "2001-12-14 21:59:43": "2001-12-14T21:59:43+00:00",
		"2001-12-14T21:59:43Z": "2001-12-14T21:59:43+00:00", "!!str 1": "1", `!!int "3"`: 3, "!!float 3": 3.0, `!!null ""`: nil, `!!bool "yes"`: true,
		"!!timestamp 2021-01-02": "2021-01-02", "|\n  a": "a\n",
		"2021-13-45": failure("invalid date: 2021-13-45"), "2021-02-29": failure("invalid date: 2021-02-29"),
		"2021-02-28 25:00:00": failure("invalid date: 2021-02-28 25:00:00"), "=": failure("a lone = must be in quotes"),
		"<<": failure("a lone << must be in quotes"), "0b_": failure(`"0b_" is not a valid number`), "!foo 1": failure("the tag !foo is not supported by Polyaxon"),
		"!!binary aGk=": failure("the tag !!binary is not supported by Polyaxon"), "!!int 1.5": failure(`"1.5" is not a valid number`),
		"!!bool x": failure(`"x" is neither true nor false`), "!!timestamp x": failure(`"x" is not a valid date`), "!!float x": failure(`"x" is not a valid number`),
	} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte("v: "+text+"\n"), &n); err != nil {
			t.Fatal(err)
		}
		have, _, err := Resolve(n.Content[0].Content[1])
		if err != nil {
			have = failure(err.Error())
		}
		if diff := cmp.Diff(want, have, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestScalarNeverFails(t *testing.T) {
	if have := Scalar(&yaml.Node{Kind: yaml.ScalarNode, Value: "2021-13-45"}); have != "2021-13-45" {
		t.Errorf("%v", have)
	}
}

func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"1", "1:30", "0b1", "0x1f", "010", "1e3", "1.0e+3", ".inf", "2021-01-02", "2001-12-14 21:59:43.10 -5", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, date, err := Resolve(&yaml.Node{Kind: yaml.ScalarNode, Value: text})
		if _, isText := value.(string); date && err == nil && !isText {
			t.Errorf("%q is a date and %v", text, value)
		}
	})
}
