package mage

import (
	"slices"
	"testing"
)

// -jobs="$JOB" with an unset JOB must not deploy all jobs.
func TestList(t *testing.T) {
	for text, want := range map[string][]string{"a": {"a"}, "a,b": {"a", "b"}, ",a,": {"a"}, "": {""}, ",": {""}} {
		if got := list(&text); !slices.Equal(got, want) {
			t.Errorf("list(%q) = %q, want %q", text, got, want)
		}
	}
	if got := list(nil); len(got) != 0 {
		t.Errorf("without the flag: %q", got)
	}
}

func TestAssignments(t *testing.T) {
	for text, want := range map[string][]string{
		"A=1": {"A=1"}, "A=1,B=2": {"A=1", "B=2"}, "A=[1,2],B=x": {"A=[1,2]", "B=x"}, `A={"k": 1, "l=": 2}`: {`A={"k": 1, "l=": 2}`}, "": nil, "A=": {"A="},
	} {
		if got := assignments(&text); !slices.Equal(got, want) {
			t.Errorf("assignments(%q) = %q, want %q", text, got, want)
		}
	}
	if got := assignments(nil); len(got) != 0 {
		t.Errorf("without the flag: %q", got)
	}
}
