package source

import (
	"errors"
	"fmt"
	"io/fs"
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

func FuzzNearest(f *testing.F) {
	f.Add("projekt", "project")
	f.Fuzz(func(t *testing.T, name, candidate string) {
		ab, ba := distance(name, candidate), distance(candidate, name)
		if ab != ba {
			t.Errorf("%d one way and %d the other", ab, ba)
		}
		if (ab == 0) != (name == candidate) {
			t.Errorf("distance %d of %q and %q", ab, name, candidate)
		}
		if ab > max(len(name), len(candidate)) {
			t.Errorf("distance %d of %s", ab, fmt.Sprint(len(name), len(candidate)))
		}
	})
}
