package source

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
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

// TestNearestIsFast compares texts as long as files may have, and many that are much alike, none of which is near.
// Their number is squared in a slipway.yaml that is made to take long, so each comparison must be fast.
func TestNearestIsFast(t *testing.T) {
	if near, ok := Nearest(strings.Repeat("a", 1<<20), []string{strings.Repeat("b", 1<<20), strings.Repeat("a", 1<<20-1)}); ok {
		t.Errorf("%d bytes are near", len(near))
	}
	var names, others []string
	for i := range 300 {
		names, others = append(names, fmt.Sprintf("image-with-a-long-name-%d", i)), append(others, fmt.Sprintf("omogo_woth_o_lung_nomu%d", i))
	}
	start := time.Now()
	for _, other := range others {
		if near, ok := Nearest(other, names); ok {
			t.Fatalf("%s is near to %q", other, near)
		}
	}
	took := time.Since(start)
	start = time.Now()
	for _, other := range others[:30] {
		for _, name := range names {
			counted(other, name)
		}
	}
	if slow := 10 * time.Since(start); took > slow/5 {
		t.Errorf("it takes %s, and byte by byte %s", took, slow)
	}
}

// counted counts edits as the definition says, up to swaps of neighbours that are edited again.
func counted(a, b string) int {
	rows := [][]int{}
	for i := range len(a) + 1 {
		rows = append(rows, make([]int, len(b)+1))
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

func FuzzNearest(f *testing.F) {
	long := strings.Repeat("0123456789abcdef", 4)
	for _, pair := range [][2]string{{"projekt", "project"}, {"clutser", "cluster"}, {"ab", "ba"}, {"abcdef", "badcfe"}, {"kitten", "sitting"}, {"a", ""}, {"abcd", "cdab"}, {"aXbXc", "abc"},
		{long, long[1:] + "0"}, {long, ""}, {long, strings.ReplaceAll(long, "ef", "fe")}, {"\u0130", "i"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, name, candidate string) {
		if _, ok := Nearest(name, []string{candidate}); ok && len(strings.ToLower(name)) > maxNear {
			t.Errorf("%d bytes are near to %q", len(name), candidate)
		}
		if name == "" || len(name) > maxNear || len(candidate) > maxNear {
			return
		}
		if got, want := newPattern(name).distance(candidate), counted(name, candidate); got != want {
			t.Errorf("distance %d of %q and %q, want %d", got, name, candidate, want)
		}
	})
}
