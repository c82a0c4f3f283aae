package project

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
)

// TestSecretFiles finds the files from which slipway.yaml reads secrets, in each section, also
// behind a link. Certificates and files elsewhere are not among them.
func TestSecretFiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "token")
	for name, text := range map[string]string{
		"slipway.yaml": "project: p\ncluster: {kubeconfig: {path: kube}}\npolyaxon: {host: 'https://p.example', token: 'file:" + elsewhere + "'}\nmlflow: {tracking-uri: 'http://m.example', username: u, password: 'file:conf/mlflow'}\n" +
			"secrets: {s: {data: {a: 'file:./conf/../key.txt', ca: 'file:ca.pem', l: 'file:link', e: 'env:A'}}}\njobs: {j: {polyaxonfile: j.yml, params: {P: 'secret:file:param'}}}\n",
		"ca.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n", "key.txt": "k", "real": "r", "conf/mlflow": "m", "param": "p", "kube": "k", "j.yml": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"conf/mlflow", "key.txt", "kube", "link", "param", "real"}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil && runtime.GOOS == "windows" {
		want = []string{"conf/mlflow", "key.txt", "kube", "link", "param"}
	} else if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(filepath.Join(dir, "slipway.yaml"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := SecretFiles(cfg)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSecretFilesAreNotChanges has an own commit for a tree with a new file from which slipway.yaml
// reads a secret, as a step before it has put it there. No image has such a file.
func TestSecretFilesAreNotChanges(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	top := t.TempDir()
	dir := filepath.Join(top, "ml")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("slipway.yaml", "project: p\nsecrets: {s: {data: {a: 'file:creds/key.json'}}}\n")
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "one"}} {
		if out, err := exec.Command("git", append([]string{"-C", top}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	write("creds/key.json", "k")
	cfg, err := config.Load(filepath.Join(dir, "slipway.yaml"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := newWorkingTree(cfg, os.Environ()).revision(t.Context()); !r.Clean {
		t.Errorf("with a new file of a secret: %+v", r)
	}
	write("creds/other.json", "k")
	if r := newWorkingTree(cfg, os.Environ()).revision(t.Context()); r.Clean || r.Reason != "ml/creds/other.json is not committed" {
		t.Errorf("with another file: %+v", r)
	}
}

// TestCheckoutWithoutGit says why there is no commit where actions/checkout has found no git, and has
// taken the files alone. A directory elsewhere needs no commit.
func TestCheckoutWithoutGit(t *testing.T) {
	cfg := &config.Config{Dir: t.TempDir()}
	for variable, want := range map[string]bool{"GITHUB_ACTIONS=true": true, "GITLAB_CI=true": true, "CI=true": false} {
		r := newWorkingTree(cfg, []string{"PATH=" + os.Getenv("PATH"), variable}).revision(t.Context())
		if (r.Reason != "") != want || r.Clean {
			t.Errorf("%s: %+v", variable, r)
		}
	}
}
