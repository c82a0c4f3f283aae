package source

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestErrorMessage(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		want string
	}{
		{&Error{Position: Position{File: "a.yml", Line: 3, Column: 7}, Message: "wrong"}, "a.yml:3:7: wrong"},
		{&Error{Position: Position{File: "a.yml", Line: 3}, Message: "wrong", Hint: "do right"}, "a.yml:3: wrong (do right)"},
		{&Error{Position: Position{File: "a.yml"}, Message: "wrong"}, "a.yml: wrong"},
		{&Error{Message: "wrong"}, "wrong"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestErrorfKeepsTheCause(t *testing.T) {
	err := error(Errorf(Position{File: "a.yml"}, "read it: %w", fs.ErrNotExist))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v lost its cause", err)
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"project", "registry", "cluster", "images", "secrets", "jobs"}
	for name, want := range map[string]string{
		"projekt": "project", "Registry": "registry", "imgaes": "images", "job": "jobs", "scerets": "secrets", "clutser": "cluster",
		"zzz": "", "x": "", "": "", "environment": "",
	} {
		got, ok := Nearest(name, keys)
		if got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) gives %q, %t, want %q", name, got, ok, want)
		}
	}
	if near, ok := Nearest("anything", nil); ok {
		t.Errorf("%q is near to nothing", near)
	}
}

// TestNearestIsFast compares texts as long as files may have, and many that are much alike.
func TestNearestIsFast(t *testing.T) {
	if near, ok := Nearest(strings.Repeat("a", 1<<20), []string{strings.Repeat("b", 1<<20), strings.Repeat("a", 1<<20-1)}); ok {
		t.Errorf("%d bytes are near", len(near))
	}
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("image-with-a-long-name-%d", i))
	}
	for i, name := range names {
		if near, _ := Nearest("x"+name, names[i:]); near != name {
			t.Errorf("%s is near to %q", name, near)
		}
	}
}

func FuzzNearest(f *testing.F) {
	for _, pair := range [][2]string{{"projekt", "project"}, {"clutser", "cluster"}, {"ab", "ba"}, {"abcdef", "badcfe"}, {"kitten", "sitting"}, {"", "abc"}, {"abcd", "cdab"}, {"aXbXc", "abc"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, name, candidate string) {
		longest := max(len(name), len(candidate))
		ab, ba := distance(name, candidate, longest), distance(candidate, name, longest)
		if ab != ba {
			t.Errorf("%d one way and %d the other", ab, ba)
		}
		if (ab == 0) != (name == candidate) {
			t.Errorf("distance %d of %q and %q", ab, name, candidate)
		}
		if ab > longest {
			t.Errorf("distance %d of %s", ab, fmt.Sprint(len(name), len(candidate)))
		}
		for limit := range longest {
			if d := distance(name, candidate, limit); ab <= limit && d != ab || ab > limit && d <= limit {
				t.Errorf("distance %d of %q and %q, and %d up to %d", ab, name, candidate, d, limit)
			}
		}
	})
}
