package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// tool returns the go command of the spec.
func (s Spec) tool(t *testing.T) string {
	t.Helper()
	tool, err := findGo(s.Environ)
	must(t, err)
	return tool
}

// Whatever changes the program changes the digest of its sources, and nothing else does.
func TestDigestOfGoSources(t *testing.T) {
	t.Parallel()
	tree := files{
		"go.mod":                  "module example.com/quick\n\ngo 1.24\n\nrequire example.com/beside v0.0.0\n\nreplace example.com/beside => ./beside\n",
		"beside/go.mod":           "module example.com/beside\n\ngo 1.24\n",
		"beside/beside.go":        "package beside\n",
		"cmd/train/main.go":       "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/beside\"\n\t_ \"example.com/quick/lib\"\n)\n\n//go:embed all:static *.txt\nvar static embed.FS\n\nfunc main() {}\n",
		"cmd/train/main_test.go":  "package main\n",
		"cmd/train/static/a.html": "a",
		"cmd/train/one.txt":       "1",
		"cmd/train/data.csv":      "1,2",
		"lib/lib.go":              "package lib\n",
		"lib/lib_windows.go":      "package lib\n",
		"other/other.go":          "package other\n",
	}
	dir := tree.write(t)
	config := filepath.Join(t.TempDir(), "env")
	s := goSpec(dir)
	s.platform = s.Platforms[0]
	s.Environ = append(os.Environ(), "GOENV="+config)
	tool := s.tool(t)
	sources, err := listGoSources(t.Context(), s, tool)
	if errors.Is(err, errGoUnknown) {
		t.Skip("the go command is not that of an installation of Go")
	}
	must(t, err)
	digest := func(s Spec) string {
		t.Helper()
		d, _, err := sources.digest(t.Context(), s, tool)
		must(t, err)
		return d
	}
	before := digest(s)

	for _, c := range []struct {
		path    string
		same    bool
		content string
	}{
		{"cmd/train/main.go", false, "package main\n"},
		{"cmd/train/new.go", false, "package main\n"},
		{"cmd/train/asm_amd64.s", false, "\n"},
		{"cmd/train/static/a.html", false, "b"},
		{"cmd/train/static/deep/b.html", false, "b"},
		{"cmd/train/static/.hidden", false, "b"},
		{"cmd/train/two.txt", false, "2"},
		{"lib/lib.go", false, "package lib // changed\n"},
		{"lib/lib_windows.go", false, "//go:build linux\n\npackage lib\n"},
		{"lib/go.mod", false, "module example.com/quick/lib\n"},
		{"cmd/go.mod", false, "module example.com/quick/cmd\n"},
		{"beside/beside.go", false, "package beside // changed\n"},
		{"beside/go.mod", false, "module example.com/beside\n\ngo 1.25\n"},
		{"go.mod", false, "module example.com/quick\n\ngo 1.25\n"},
		{"go.sum", false, "\n"},
		{"go.work", false, "go 1.24\n"},
		{"../go.work", false, "go 1.24\n"},
		{"vendor/modules.txt", false, "\n"},
		{config, false, "GOEXPERIMENT=nogreenteagc\n"},

		{"cmd/train/main_test.go", true, "package main // changed\n"},
		{"cmd/train/data.csv", true, "3,4"},
		{"other/other.go", true, "package other // changed\n"},
		{"README.md", true, "changed"},
	} {
		path := c.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, filepath.FromSlash(path))
		}
		old, missing := os.ReadFile(path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(c.content), 0o644))
		if same := digest(s) == before; same != c.same {
			t.Errorf("%s changed; the digest is the same: %t", c.path, same)
		}
		if missing != nil {
			must(t, os.Remove(path))
		} else {
			must(t, os.WriteFile(path, old, 0o644))
		}
	}
	must(t, os.RemoveAll(filepath.Join(dir, "cmd", "train", "static", "deep")))
	if digest(s) != before {
		t.Error("the digest differs after all changes were undone")
	}

	_, changed, err := sources.digest(t.Context(), s, tool)
	must(t, err)
	for _, name := range []string{"go.mod", "lib/lib.go", "cmd/train", "cmd/train/static", "cmd/train/static/a.html"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		later := changed.Add(time.Hour)
		must(t, os.Chtimes(path, later, later))
		if _, now, err := sources.digest(t.Context(), s, tool); err != nil || !now.Equal(later) {
			t.Errorf("%s changed at %s; the last change is %s, %v", name, later, now, err)
		}
		must(t, os.Chtimes(path, changed, changed))
	}

	for _, variable := range []string{"GOTOOLCHAIN=local", "GOROOT=/elsewhere"} {
		other := s
		other.Environ = append([]string{variable}, s.Environ...)
		if digest(other) == before {
			t.Errorf("the digest is the same with %s", variable)
		}
	}
	arm := s
	arm.platform.Architecture = "arm64"
	if digest(arm) == before {
		t.Error("the digest is the same for arm64")
	}
}

// The go command runs when sources have changed, and not again before the next change. A
// go command that chooses between versions of Go always runs.
func TestGoRunsAfterChanges(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the go command of this test is a shell script")
	}
	t.Parallel()
	tree := program()
	dir := tree.write(t)
	s := goSpec(dir)
	real := s.tool(t)
	root := t.TempDir()
	log := filepath.Join(root, "log")
	must(t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "VERSION"), []byte("go1.0\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "bin", "go"), fmt.Appendf(nil, "#!/bin/sh\necho $1 >>%s\nexec %s \"$@\"\n", log, real), 0o755))
	s.Environ = append([]string{"PATH=" + filepath.Join(root, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH")}, s.Environ...)

	// builds returns how many builds the go command ran to prepare the image, and its digest.
	builds := func() (int, string) {
		t.Helper()
		_ = os.Remove(log)
		made := build(t, s, nil)
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "build\n"), made.Digest.String()
	}
	n, first := builds()
	if n != 1 {
		t.Errorf("for the first build the go command ran %d builds", n)
	}
	// The sources are so young that they may have changed during the first build.
	if n, again := builds(); n > 1 || again != first {
		t.Errorf("with nothing changed the go command ran %d builds; same digest: %t", n, again == first)
	}
	if n, again := builds(); n != 0 || again != first {
		t.Errorf("with nothing changed again the go command ran %d builds; same digest: %t", n, again == first)
	}
	path := filepath.Join(dir, "cmd", "train", "main.go")
	must(t, os.WriteFile(path, []byte(strings.Replace(tree["cmd/train/main.go"], "trained", "changed", 1)), 0o644))
	if n, changed := builds(); n != 1 || changed == first {
		t.Errorf("after a change the go command ran %d builds; same digest: %t", n, changed == first)
	}
	must(t, os.WriteFile(path, []byte(tree["cmd/train/main.go"]), 0o644))
	if n, again := builds(); n != 1 || again != first {
		t.Errorf("after the change was undone the go command ran %d builds; same digest: %t", n, again == first)
	}
	if n, _ := builds(); n != 0 {
		t.Errorf("with nothing changed the go command ran %d builds", n)
	}
	must(t, os.Remove(filepath.Join(root, "VERSION")))
	for range 2 {
		if n, _ := builds(); n == 0 {
			t.Error("a go command of unknown version did not run")
		}
	}
}
