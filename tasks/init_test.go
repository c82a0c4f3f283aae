package tasks

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

var updateInit = flag.Bool("update-init", false, "write what init writes into testdata/init")

// fakeUV prints a lock, as uv pip compile does.
const fakeUV = "#!/bin/sh\necho \"six==1.17.0 ; sys_platform == 'win32' --hash=sha256:" + "0000000000000000000000000000000000000000000000000000000000000000\"\n"

// shape writes the repository of an archive, and returns an Env for it.
func shape(t *testing.T, archive string) *Env {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the fake uv is a script")
	}
	parsed, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "Some Repository")
	bin := t.TempDir()
	files := map[string]string{filepath.Join(bin, "uv"): fakeUV}
	for _, f := range parsed.Files {
		files[filepath.Join(dir, filepath.FromSlash(f.Name))] = string(f.Data)
	}
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	commands := [][]string{{"init", "-q", "-b", "main"}}
	if remote, ok := strings.CutPrefix(strings.TrimSpace(string(parsed.Comment)), "remote "); ok {
		commands = append(commands, []string{"remote", "add", "origin", remote})
	}
	for _, args := range commands {
		command := exec.CommandContext(t.Context(), "git", args...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Skipf("git: %v\n%s", err, out)
		}
	}
	return &Env{Dir: dir, Events: report.Discard{}, Environ: []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")},
		Lookup: func(string) (string, bool) { return "", false }}
}

// tree returns the files of a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		relative, _ := filepath.Rel(dir, name)
		all[filepath.ToSlash(relative)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestInit writes into ten differently shaped repositories. What it writes passes check, also
// with the lines for a cluster, and a second init changes nothing.
func TestInit(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join("testdata", "init", "*.txtar"))
	if err != nil || len(archives) < 10 {
		t.Fatal(archives, err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			t.Parallel()
			env := shape(t, archive)
			before := tree(t, env.Dir)
			result, err := Init(t.Context(), env, InitOptions{Yes: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range result.Problems {
				if p.Severity == "error" {
					t.Errorf("check finds %+v", p)
				}
			}
			after := tree(t, env.Dir)
			var golden bytes.Buffer
			for _, f := range result.Init.Found {
				fmt.Fprintf(&golden, "found %s: %s\n", f.Position, f.What)
			}
			for _, e := range result.Events {
				if e.Kind == report.Warning {
					fmt.Fprintf(&golden, "warning: %s\n", strings.ReplaceAll(e.Message, env.Dir, "DIR"))
				}
			}
			fmt.Fprintf(&golden, "next:\n  %s\n", strings.Join(result.Init.Next, "\n  "))
			for _, name := range slices.Sorted(maps.Keys(after)) {
				was, there := before[name]
				if there && name != ".gitignore" && was != after[name] {
					t.Errorf("%s has changed", name)
				}
				if text := after[name]; text != was || !there {
					if strings.HasPrefix(name, "polyaxon/") {
						text = strings.Join(strings.SplitAfter(text, "\n")[:4], "") + "...\n" // a component has its own tests
					}
					fmt.Fprintf(&golden, "-- %s --\n%s", name, text)
				}
			}
			file := strings.TrimSuffix(archive, ".txtar") + ".golden"
			if *updateInit {
				if err := os.WriteFile(file, golden.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := os.ReadFile(file)
			if diff := cmp.Diff(string(want), golden.String()); diff != "" {
				t.Errorf("it is not as %s (-want +got); -update-init writes it\n%s", file, diff)
			}
			again, err := Init(t.Context(), env, InitOptions{Yes: true})
			if err != nil || len(again.Init.Files) > 0 || !cmp.Equal(after, tree(t, env.Dir)) {
				t.Errorf("a second init: %v, %+v", err, again.Init)
			}
			uncommented(t, env.Dir, after[config.FileName])
		})
	}
}

// uncommented checks the lines of slipway.yaml for a cluster.
func uncommented(t *testing.T, dir, text string) {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^# ((?:registry|cluster|polyaxon|manifests|  gke|  namespace):?.*)$`).ReplaceAllString(text, "$1")
	path := filepath.Join(dir, "cloud.yaml")
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, lines)
	}
	if c.Sandboxed() || c.Registry == "" {
		t.Errorf("it still names no cloud:\n%s", lines)
	}
}

// TestInitAsks checks the questions, and that an answer decides.
func TestInitAsks(t *testing.T) {
	env := shape(t, filepath.Join("testdata", "init", "requirements.txtar"))
	before := tree(t, env.Dir)
	var asked []string
	answers := map[string]string{"project": "mine", "base": "python:3.11", "yes": "no"}
	env.Ask = func(_ context.Context, q Question) (string, error) {
		asked = append(asked, q.Flag)
		return answers[q.Flag], nil
	}
	if _, err := Init(t.Context(), env, InitOptions{CI: "none"}); err != nil || !cmp.Equal(before, tree(t, env.Dir)) {
		t.Errorf("after no: %v", err)
	}
	if want := []string{"project", "base", "lock", "program", "yes"}; !slices.Equal(asked, want) {
		t.Errorf("it asks %v, want %v", asked, want)
	}
	answers["yes"] = "yes"
	if _, err := Init(t.Context(), env, InitOptions{CI: "none", Lock: "none"}); err != nil {
		t.Fatal(err)
	}
	text := tree(t, env.Dir)[config.FileName]
	if !strings.Contains(text, "project: mine\n") || !strings.Contains(text, `base: "python:3.11"`) {
		t.Error(text)
	}
}

// TestInitRefuses checks what init does not write into, and that nothing changes there.
func TestInitRefuses(t *testing.T) {
	train := map[string]string{"train.py": "print(1)\n", "requirements.txt": "six\n"}
	for name, c := range map[string]struct {
		files map[string]string
		o     InitOptions
		want  string
	}{
		"empty":         {nil, InitOptions{Yes: true}, "no Python program, list of packages"},
		"home":          {train, InitOptions{Yes: true}, "this is your home directory"},
		"no terminal":   {train, InitOptions{}, "there is no terminal to ask on: slipway init --yes"},
		"several":       {map[string]string{"a/train.py": "print(1)\n", "a/requirements.txt": "six\n", "b/fit.py": "print(1)\n", "b/pyproject.toml": "[project]\ndependencies = []\n"}, InitOptions{Yes: true}, "slipway init -C a, or slipway init -C b"},
		"wrong project": {train, InitOptions{Yes: true, Project: "My Project"}, "--project My Project: a project's name"},
		"wrong program": {train, InitOptions{Yes: true, Program: "trian.py"}, "did you mean train.py?"},
		"wrong CI":      {train, InitOptions{Yes: true, CI: "travis"}, "--ci travis: it must be github or gitlab or none"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				file = filepath.Join(dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, dir)
			_, err := Init(t.Context(), &Env{Dir: dir, Events: report.Discard{}, Lookup: func(v string) (string, bool) {
				if v == "HOME" && name == "home" {
					return dir, true
				}
				return "", false
			}}, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || exit.Code(err) != exit.Usage {
				t.Errorf("%v", err)
			}
			if !cmp.Equal(before, tree(t, dir)) {
				t.Error("something has changed")
			}
		})
	}
}

// TestInitIsSafe looks at names and files that could do harm.
func TestInitIsSafe(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "train.py")
	if err := errors.Join(os.WriteFile(secret, []byte("if __name__ == \"__main__\": pass\n"), 0o644), os.Symlink(secret, filepath.Join(dir, "train.py")),
		os.Symlink(outside, filepath.Join(dir, "polyaxon")), os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("six\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "fit.py"), append(bytes.Repeat([]byte("print(1)\n"), 100_000), 0), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a\nb.py", "${HOME}.py", "\"quoted.py", "yes", "# not a comment: .py"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("print(1)\n"), 0o644); err != nil {
			t.Skip(err)
		}
	}
	env := &Env{Dir: dir, Events: report.Discard{}, Lookup: func(string) (string, bool) { return "", false }}
	_, err := Init(t.Context(), env, InitOptions{Yes: true, Lock: "none"})
	if err == nil {
		t.Error("it wrote through a link out of the repository")
	}
	if left, _ := os.ReadDir(outside); len(left) != 1 {
		t.Errorf("outside there is %v", left)
	}
	if _, there := tree(t, dir)[config.FileName]; there {
		t.Error("half of it is written")
	}
	if err := os.Remove(filepath.Join(dir, "polyaxon")); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(t.Context(), env, InitOptions{Yes: true, Lock: "none"}); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, config.FileName), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range c.Images {
		if want := []string{"# not a comment: .py", "fit.py"}; !slices.Equal(i.Files, want) {
			t.Errorf("the files are %q", i.Files)
		}
	}
}
