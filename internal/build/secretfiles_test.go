package build

import (
	"os"
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
	got := secretFiles(cfg)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
