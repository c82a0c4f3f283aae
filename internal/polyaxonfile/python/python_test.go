package python

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestLiteral compares with Python 3.11's ast.literal_eval.
func TestLiteral(t *testing.T) {
	no, unwritable := struct{}{}, ErrUnwritable
	for text, want := range map[string]any{
		"1": 1, " 1": 1, "1 ": 1, "\n1\n": 1, "\n 1": no, "-1": -1, "+1": 1, "--1": 1, "1_000": 1000, "1__0": no, "0x10": 16, "0o17": 15, "0b11": 3,
		"007": no, "00": 0, "1e3": 1000.0, "1E-2": 0.01, "1.": 1.0, ".5": 0.5, "1e999": math.Inf(1), "nan": no, "inf": no, "1:30": no, "1,2": []any{1, 2},
		"1,": []any{1}, "(1)": 1, "()": []any{}, "[]": []any{}, "[1, 'a',]": []any{1, "a"}, "[,]": no, "[1 2]": no, "{}": map[string]any{},
		"{'a': 1}": map[string]any{"a": 1}, "{1: 2}": map[string]any{"1": 2}, "{'a'}": unwritable, "{[1]: 2}": no, `{"a": [true]}`: no, `{"a": [True, None]}`: map[string]any{"a": []any{true, nil}},
		"'a'": "a", `"it's"`: "it's", `'a' "b"`: "ab", `r'\n'`: `\n`, `u'x'`: "x", "b'x'": unwritable, "f'x'": no, `'\x41\u00e9'`: "Aé", "'a": no, "'''a\nb'''": "a\nb", "'a\nb'": no,
		"True": true, "False": false, "None": nil, "true": no, "null": no, "~": no, "": no, " ": no, "a": no, "1 # c": 1, "# c": no, "1 + 1": no, "1j": unwritable, "1 + 2j": unwritable, "1 + 2": no, "{1, 2}": unwritable, "{1, 2": no, "[{1}]": unwritable, "set()": unwritable, "99999999999999999999": unwritable,
		"2021-01-02": no, "1.2.3": no, "[\n1,\n2\n]": []any{1, 2}, "1\n2": no, `'\N{DASH}'`: no, "...": unwritable, "....": no,
	} {
		have, ok, err := Literal(text)
		switch {
		case err != nil:
			have = err
		case !ok:
			have = no
		default:
			have = Plain(have)
		}
		if !cmp.Equal(want, have, cmpopts.EquateErrors()) {
			t.Errorf("%q: have %v, want %v", text, have, want)
		}
	}
}

func TestPrint(t *testing.T) {
	var d Dict
	d.Set("b", 1)
	d.Set(2, nil)
	for want, value := range map[string]any{
		"None": nil, "True": true, "1.0": 1.0, "1e-05": 0.00001, "1e+16": 1e16, "123456789.5": 123456789.5, "['a', 1, 2.5]": []any{"a", 1, 2.5},
		"(1,)": Tuple{1}, "{'b': 1, 2: None}": &d, `["it's", 'say "x"', '\'"', '\n\t\x00\\', 'é']`: []any{"it's", `say "x"`, `'"`, "\n\t\x00\\", "é"},
		"nan": math.NaN(), "-inf": math.Inf(-1), "{'a': {}, 'b': []}": map[string]any{"b": []any{}, "a": map[string]any{}},
	} {
		if have := Str(value); have != want {
			t.Errorf("have %s, want %s", have, want)
		}
	}
	if have := JSON([]any{1.0, 1e20, 1e-7, math.NaN(), "é<\n", nil, true, &d}); have != `[1.0,1e20,1e-7,null,"é<\n",null,true,{"b":1,"2":null}]` {
		t.Error(have)
	}
}

func TestEqual(t *testing.T) {
	if !Equal(1, 1.0) || !Equal(true, 1) || Equal("1", 1) || !Equal([]any{1, map[string]any{"a": nil}}, &List{Items: []any{1.0, map[string]any{"a": nil}}}) || Equal(Tuple{1}, []any{1}) {
		t.Error("equality is not Python's")
	}
	if order, ok := Compare([]any{1, "b"}, []any{1, "a"}); !ok || order != 1 {
		t.Error("lists are not ordered by their elements")
	}
	if _, ok := Compare("a", 1); ok {
		t.Error("a text was ordered with a number")
	}
}

func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"[1, {'a': (2,)}]", `"\x41" r'b'`, "1e5", "{", "'''"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, ok, err := Literal(text)
		if !ok || err != nil {
			return
		}
		if again, ok, _ := Literal(Repr(value)); ok && !Equal(value, again) && Repr(value) != Repr(again) {
			t.Errorf("%q is %s, which is read as %s", text, Repr(value), Repr(again))
		}
	})
}
