package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"one":                         "one",
		"one  two\nthree":             "one two\nthree",
		"a word-that-is-too-long b":   "a\nword-that-is-too-long\nb",
		"äöü äöü äöü":                 "äöü äöü\näöü",
		"with `a b c d e f` in it":    "with\n`a b c d e f`\nin it",
		"letters and - or 1. or # or": "letters\nand -\nor 1.\nor # or",
		"a version >=2 and =, b":      "a\nversion >=2\nand =, b",
		"a ` without another one":     "a\n` without another one",
	} {
		if diff := cmp.Diff(want, Wrap(text, 9)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	if got, want := Item(strings.Repeat("seven77 ", 16)), "- "+strings.Repeat("seven77 ", 13)+"seven77\n  seven77 seven77\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
