package kubeconfig_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
)

var entry = kubeconfig.Entry{
	Name: "sandbox-story", Server: "https://127.0.0.1:1234", Authority: []byte("PEM"), Namespace: "polyaxon-v1",
	Plugin: kubeconfig.Plugin{Command: "slipway", Args: []string{"cluster", "token"}, Env: []kubeconfig.Variable{{Name: "SLIPWAY_DIR", Value: "/work"}}, Hint: "install slipway"},
}

const added = `- name: sandbox-story
`

// others is a kubeconfig as people have it.
const others = `# My clusters.
apiVersion: v1
kind: Config
clusters:
- cluster: # production
    server: "https://prod.example.com"   # by hand
  name: prod
contexts:
- name: prod
  context: {cluster: prod, user: &me me}
current-context: prod
users:
- name: *me
  user:
    token: 'secret'
preferences: {}
`

// entries returns the names of the contexts that kubectl finds in files, with their servers.
func entries(t *testing.T, paths ...string) map[string]string {
	t.Helper()
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: paths}
	loaded, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{"current": loaded.CurrentContext}
	for name, c := range loaded.Contexts {
		have[name] = loaded.Clusters[c.Cluster].Server
		if user := loaded.AuthInfos[c.AuthInfo]; user != nil && user.Exec != nil {
			have[name] += fmt.Sprintf(" %s%v%v%v", user.Exec.Command, user.Exec.Args, user.Exec.Env, user.Exec.ProvideClusterInfo)
		}
	}
	return have
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMerge checks that an entry is added to every form of kubeconfig, that kubectl reads
// it and all others afterwards, that each line that was there stays, and that a second
// merge changes nothing.
func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		gone []string // lines that may go
	}{
		"missing":               {"", nil},
		"empty":                 {"\n \n", []string{" "}},
		"comments only":         {"# mine\n", nil},
		"comments and anchors":  {others, []string{"current-context: prod"}},
		"Windows line ends":     {strings.ReplaceAll(others, "\n", "\r\n"), []string{"current-context: prod\r"}},
		"byte order mark":       {"\ufeff" + others, []string{"current-context: prod"}},
		"no line end":           {strings.TrimSuffix(others, "\n"), []string{"current-context: prod"}},
		"lists empty":           {"apiVersion: v1\nkind: Config\nclusters: []\ncontexts: null\nusers:\ncurrent-context: \"\"\n", []string{"clusters: []", "contexts: null", "users:", `current-context: ""`}},
		"indented lists":        {"clusters:\n  - name: a\n    cluster: {server: https://a}\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n", []string{"users: [{name: a, user: {}}]", "contexts: [{name: a, context: {cluster: a, user: a}}]"}},
		"JSON":                  {`{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a", "cluster": {"server": "https://a"}}], "contexts": [], "users": []}`, []string{`{"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a", "cluster": {"server": "https://a"}}], "contexts": [], "users": []}`}},
		"its own, out of date":  {"clusters:\n# kept\n- name: sandbox-story\n  cluster: {server: https://old}\ncontexts:\n- name: sandbox-story\n  context: {cluster: sandbox-story, user: sandbox-story}\nusers:\n- name: sandbox-story\n  user: {exec: {command: old, env: [{name: SLIPWAY_DIR, value: /work}]}}\n", []string{"  cluster: {server: https://old}", "  context: {cluster: sandbox-story, user: sandbox-story}", "  user: {exec: {command: old, env: [{name: SLIPWAY_DIR, value: /work}]}}"}},
		"a cluster of its name": {"clusters: [{name: sandbox-story, cluster: {server: https://old}}]\n", []string{"clusters: [{name: sandbox-story, cluster: {server: https://old}}]"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ".kube", "config")
			if c.text != "" {
				write(t, path, c.text)
				if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // Merge must repair this
					t.Fatal(err)
				}
			}
			done, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{path}})
			if err != nil || !done.Changed || done.Path != path || done.Current != entry.Name {
				t.Fatalf("merged %+v, %v", done, err)
			}
			text := read(t, path)
			for line := range strings.SplitSeq(strings.TrimSuffix(c.text, "\n"), "\n") {
				if !strings.Contains(text, line) && !contains(c.gone, line) {
					t.Errorf("the line %q is gone:\n%s", line, text)
				}
			}
			if strings.Contains(c.text, "\r\n") && strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
				t.Errorf("line ends are mixed: %q", text)
			}
			want := "https://127.0.0.1:1234 slipway[cluster token][{SLIPWAY_DIR /work}]true"
			if have := entries(t, path); have["sandbox-story"] != want || have["current"] != entry.Name || strings.Contains(c.text, "prod") && have["prod"] != "https://prod.example.com" {
				t.Errorf("kubectl finds %q in\n%s", have, text)
			}
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("the file has mode %v, %v", info.Mode(), err)
			}
			again, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{path}})
			if err != nil || again.Changed || read(t, path) != text {
				t.Errorf("merged again: %+v, %v\n%s", again, err, read(t, path))
			}
			clean(t, filepath.Dir(path))
		})
	}
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// clean checks that a directory has nothing but kubeconfigs.
func clean(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".lock") || strings.HasPrefix(f.Name(), ".kubeconfig-") {
			t.Errorf("%s was left", f.Name())
		}
	}
}

// TestSeveralFiles checks which of the files of KUBECONFIG are written, as kubectl does.
func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	one, two, three := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "three")
	paths := kubeconfig.Files("", func(name string) (string, bool) {
		return strings.Join([]string{"", one, two, one, three}, string(os.PathListSeparator)), name == "KUBECONFIG"
	})
	if strings.Join(paths, " ") != strings.Join([]string{one, two, three}, " ") {
		t.Fatalf("the files are %q", paths)
	}
	write(t, two, others)
	write(t, three, "clusters:\n- name: sandbox-story\n  cluster: {server: https://old}\n")
	done, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: paths, KeepCurrent: true})
	if err != nil || done.Path != two || done.Current != "prod" {
		t.Fatalf("merged %+v, %v", done, err)
	}
	if _, err := os.Stat(one); err == nil {
		t.Error("a missing file was written although others exist")
	}
	if strings.Contains(read(t, two), "127.0.0.1") || !strings.Contains(read(t, two), added) || !strings.Contains(read(t, three), "127.0.0.1") {
		t.Errorf("the cluster is not where it was:\n%s\n%s", read(t, two), read(t, three))
	}
	if have := entries(t, paths...); have["current"] != "prod" || !strings.HasPrefix(have["sandbox-story"], "https://127.0.0.1:1234 slipway") {
		t.Errorf("kubectl finds %q", have)
	}
	if done, err = kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: paths}); err != nil || done.Current != entry.Name || !strings.Contains(read(t, two), "current-context: sandbox-story") {
		t.Errorf("merged %+v, %v", done, err)
	}
	for name, c := range map[string]struct {
		variables map[string]string
		want      string
	}{
		"named":   {map[string]string{"KUBECONFIG": "x"}, "named"},
		"home":    {map[string]string{"HOME": dir}, filepath.Join(dir, ".kube", "config")},
		"profile": {map[string]string{"USERPROFILE": dir}, filepath.Join(dir, ".kube", "config")},
	} {
		given := ""
		if name == "named" {
			given = name
		}
		if have := kubeconfig.Files(given, func(name string) (string, bool) { value, ok := c.variables[name]; return value, ok }); len(have) != 1 || have[0] != c.want {
			t.Errorf("%s: %q", name, have)
		}
	}
}

// TestRefused checks that a kubeconfig that cannot be edited gives one clear error, and
// that no file is changed.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"broken YAML":      {"clusters:\n- name: a\n  cluster: {server: a]\n", "config:3:22: the bracket { of line 3 is closed by ]"},
		"tabs":             {"clusters:\n\t- name: a\n", "config:2:1: "},
		"a list":           {"- a\n", "config:1: a kubeconfig is a mapping"},
		"clusters no list": {"clusters: {a: b}\n", "clusters is not a list"},
		"two documents":    {"a: 1\n---\nb: 2\n", "config:2:1: "},
		"another's name":   {"users:\n- name: sandbox-story\n  user: {token: secret}\n", "has an entry sandbox-story that leads elsewhere"},
		"another place":    {"users:\n- name: sandbox-story\n  user: {exec: {command: slipway, env: [{name: SLIPWAY_DIR, value: /other}]}}\n", "has an entry sandbox-story that leads elsewhere"},
		"another context":  {"contexts:\n- name: sandbox-story\n  context: {cluster: prod, user: me}\n", "has an entry sandbox-story that leads elsewhere"},
		"a shared list":    {"clusters: &all [{name: a}]\nx: *all\n", "cannot be edited"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, other := filepath.Join(dir, "config"), filepath.Join(dir, "other")
			write(t, path, c.text)
			write(t, other, others)
			_, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{path, other}})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if read(t, path) != c.text || read(t, other) != others {
				t.Errorf("a file was changed:\n%s%s", read(t, path), read(t, other))
			}
			clean(t, dir)
		})
	}
	if taken := new(kubeconfig.TakenError); !errors.As(error(&kubeconfig.TakenError{}), &taken) {
		t.Error("a TakenError is none")
	}
}

// TestLinksAndModes checks that a link stays a link, and that a read-only file and a
// directory without room are refused.
func TestLinksAndModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and modes are those of Unix")
	}
	dir := t.TempDir()
	link, real := filepath.Join(dir, "config"), filepath.Join(dir, "dotfiles", "kube")
	write(t, real, others)
	if err := os.Symlink(filepath.Join("dotfiles", "kube"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{link}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || !strings.Contains(read(t, real), "127.0.0.1") {
		t.Errorf("the link is now %v, %v\n%s", info.Mode(), err, read(t, real))
	}
	write(t, real, others)
	if err := os.Chmod(real, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{link}}); err == nil || !strings.Contains(err.Error(), "is read-only") || read(t, real) != others {
		t.Errorf("a read-only file: %v", err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join("new", "config"), dangling); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{dangling}}); err != nil || !strings.Contains(read(t, filepath.Join(dir, "new", "config")), "127.0.0.1") {
		t.Errorf("a link to nothing: %v", err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{filepath.Join(dir, "loop")}}); err == nil {
		t.Error("a link to itself was written")
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{dir}}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// TestConcurrentWriters checks that writers wait for each other by kubectl's lock, so that
// no entry is lost, and that a lock that stays is named.
func TestConcurrentWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, others)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			e := entry
			e.Name = fmt.Sprint("sandbox-", n)
			if _, err := kubeconfig.Merge(t.Context(), e, kubeconfig.Options{Paths: []string{path}, KeepCurrent: true}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if have := entries(t, path); len(have) != 10 || have["current"] != "prod" {
		t.Errorf("kubectl finds %q", have)
	}
	clean(t, filepath.Dir(path))
	write(t, path+".lock", "")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	before := read(t, path)
	if _, err := kubeconfig.Merge(ctx, entry, kubeconfig.Options{Paths: []string{path}}); err == nil || !strings.Contains(err.Error(), "delete "+path+".lock") || read(t, path) != before {
		t.Errorf("with a lock: %v", err)
	}
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("the lock of another program: %v", err)
	}
}
