package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
)

// TestVariablesInDiffs puts variables into annotations and other values that are no Secret's, as a
// change of a manifest in a pull request may do. The diff, which is posted as a comment there, must
// not show the secret ones.
func TestVariablesInDiffs(t *testing.T) {
	for name, shown := range map[string]bool{
		"env:SOURCE": false, "env:IN_A_SECRET": false, // a source of slipway.yaml, and the value of a Secret
		"DB_PASSWORD": false, "GITHUB_TOKEN": false, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": false, "CI_JOB_TOKEN": false, "API_KEY": false,
		"AWS_SECRET_ACCESS_KEY": false, "DATABASE_URL": false,
		"REPLICAS": true, "GITHUB_SHA": true, "HOMEPAGE": true,
	} {
		t.Run(name, func(t *testing.T) {
			name, isSource := strings.CutPrefix(name, "env:")
			values := map[string]string{name: "canary-value"}
			switch name {
			case "DATABASE_URL":
				values[name] = "postgres://anna:canary-value@db/app"
			case "HOMEPAGE":
				values[name] = "https://anna@acme.dev/canary-value"
			}
			lookup := func(name string) (string, bool) { value, ok := values[name]; return value, ok }
			t.Chdir(t.TempDir())
			text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {note: 'x ${" + name + "}'}}\ndata: {a: '${" + name + "}'}\n"
			yaml := "manifests: [k8s.yaml]\n"
			if isSource && name == "SOURCE" {
				yaml += "secrets: {s: {data: {k: env:SOURCE}}}\n"
			} else if isSource {
				text += "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: '${" + name + "}'}\n"
			}
			for file, text := range map[string]string{"slipway.yaml": yaml, "k8s.yaml": text} {
				if err := os.WriteFile(filepath.Join(".", file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := config.Load("slipway.yaml", config.Options{Lookup: lookup})
			if err != nil {
				t.Fatal(err)
			}
			objects, err := Read(c, "serving", lookup)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objects {
				if o.object.GetKind() != "ConfigMap" {
					continue
				}
				diff := o.changeOf(o.object, nil, o.object.DeepCopy()).Diff
				if strings.Contains(diff, "canary-value") != shown {
					t.Errorf("the value is shown: %t\n%s", !shown, diff)
				}
			}
			if masked := len(SecretValues(objects)) > 0; masked == shown {
				t.Errorf("the value is masked in other output: %t", masked)
			}
		})
	}
}
