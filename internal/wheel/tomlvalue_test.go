package wheel

import (
	"fmt"
	"strings"
	"testing"
)

// TestTOMLValues reads keys in each form that TOML has for them, with their places.
func TestTOMLValues(t *testing.T) {
	const text = "a = \"x\\u0041\"\n[ \"b\".c ]\n'd.e' = 1\nf.g = [\n  \"one\", # first\n  'two',\n]\nh = {i = '''\nlong''', j = {k = true}}\n[[l]]\nm = \"n\"\n"
	values, err := TOMLValues("a.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, v := range values {
		fmt.Fprintf(&got, "%d %s %q %v\n", v.Line, v.Path, v.Text, v.Item)
	}
	const want = "1 a \"xA\" false\n2 b.c \"\" false\n3 b.c.d\\.e \"\" false\n4 b.c.f.g \"\" false\n5 b.c.f.g \"one\" true\n6 b.c.f.g \"two\" true\n" +
		"8 b.c.h \"\" false\n8 b.c.h.i \"long\" false\n9 b.c.h.j \"\" false\n9 b.c.h.j.k \"\" false\n10 l \"\" false\n11 l.m \"n\" false\n"
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
	if values, err := TOMLValues("a.toml", []byte("a = \"b\"\nc = [\n")); err == nil || len(values) != 1 {
		t.Errorf("before a mistake: %v, %v", values, err)
	}
	if values, err := TOMLValues("a.toml", []byte("a = "+strings.Repeat("[", 1_000_000))); err == nil || values != nil {
		t.Errorf("nested deep: %v, %v", values, err)
	}
}

func FuzzTOMLValues(f *testing.F) {
	f.Add("[a]\nb = {c = ['d']}\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = TOMLValues("a.toml", []byte(text)) })
}
