package secret

import (
	"slices"
	"testing"
)

func TestCompare(t *testing.T) {
	b := Opaque("token", map[string]Value{"a": NewValue([]byte("1")), "b": NewValue([]byte("2"))})
	b.Project = "story"
	stored := func(a string, change func(*Stored)) *Stored {
		s := &Stored{Name: "token", Type: b.Type, Data: map[string]Value{"a": NewValue([]byte(a)), "b": NewValue([]byte("2"))}, Managed: true, Project: "story"}
		change(s)
		return s
	}
	for what, test := range map[string]struct {
		old  *Stored
		want State
		keys []string
	}{
		"none":               {nil, Missing, nil},
		"equal":              {stored("1", func(*Stored) {}), Same, nil},
		"another value":      {stored("9", func(*Stored) {}), Other, []string{"a"}},
		"of another project": {stored("1", func(s *Stored) { s.Project = "other" }), Other, nil},
		"of nobody":          {stored("1", func(s *Stored) { s.Managed = false }), Other, nil},
	} {
		if state, keys := Compare(b, test.old); state != test.want || !slices.Equal(keys, test.keys) {
			t.Errorf("%s: %s, %q", what, state, keys)
		}
	}
}
