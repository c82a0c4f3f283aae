package survey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/survey"
)

// read looks at a directory with these files, which is no git repository.
func read(t *testing.T, files map[string]string) *survey.Repository {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Churn Model")
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := survey.Read(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRead looks at a project of each common kind of file, and checks what is found and where.
func TestRead(t *testing.T) {
	r := read(t, map[string]string{
		"pyproject.toml":         "[project]\nname = \"churn\"\nrequires-python = \">=3.11\"\ndependencies = [\"pandas\"]\n",
		"uv.lock":                "requires-python = \">=3.11\"\n",
		"requirements-dev.txt":   "pytest\n",
		"src/churn/__init__.py":  "",
		"src/churn/train.py":     "import x\n\nif __name__ == \"__main__\":\n    x.main()\n",
		"src/churn/helpers.py":   "def help(): ...\n",
		"api.py":                 "app = FastAPI()\n",
		"tests/test_train.py":    "if __name__ == '__main__': pass\n",
		"eda.ipynb":              "{}",
		"Dockerfile":             "FROM python:3.12-slim\nRUN apt-get install -y libgomp1\nCMD uvicorn api:app\n",
		"polyaxon/train.yml":     "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a}}\n",
		"k8s/api.yaml":           "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n",
		".gitignore":             "data\n",
		"data/train.py":          "if __name__ == '__main__': pass\n",
		"node_modules/a/main.py": "if __name__ == '__main__': pass\n",
	})
	var found []string
	add := func(kind string, all ...any) { found = append(found, kind+fmt.Sprint(all...)) }
	add("project ", r.Project.Text, " ", r.Project.At)
	add("python ", r.Python.Text)
	for _, p := range r.Locks {
		add("lock ", p.Form, " ", p.At)
	}
	for _, p := range r.Programs {
		add("program ", p.Component, " ", p.At)
	}
	for _, d := range r.Dockerfiles {
		add("dockerfile ", d.Serves, " ", d.Program.Text, " ", d.Python.Text, " ", d.System.At)
	}
	for _, p := range r.Polyaxonfiles {
		add("polyaxonfile ", p.Path())
	}
	for _, m := range r.Manifests {
		add("manifest ", m.Path)
	}
	add("package ", r.Package.Text)
	want := []string{
		"project churn pyproject.toml:2", "python 3.12", "lock uv uv.lock:1",
		"program rest-api api.py:1", "program train src/churn/train.py:3",
		"dockerfile rest-api api:app 3.12 Dockerfile:2", "polyaxonfile polyaxon/train.yml", "manifest k8s/", "package src",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(r.Notebooks, []string{"eda.ipynb"}) || r.Empty() || !r.Exists("data/train.py") {
		t.Errorf("notebooks %v, empty %v", r.Notebooks, r.Empty())
	}
}

// TestEmpty checks that a directory without anything to run is empty, and is named as its
// directory.
func TestEmpty(t *testing.T) {
	r := read(t, map[string]string{"README.md": "churn\n"})
	if !r.Empty() || r.Project.Text != "churn-model" {
		t.Errorf("empty %v, project %q", r.Empty(), r.Project.Text)
	}
}

// TestProjects checks that directories with lists of packages of their own are projects, and
// that parts of one project are not.
func TestProjects(t *testing.T) {
	several := read(t, map[string]string{"a/requirements.txt": "x\n", "a/train.py": "", "b/requirements.txt": "x\n", "b/train.py": "", "b/c/requirements.txt": "x\n", "b/c/d.py": ""})
	if got := several.Projects(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v", got)
	}
	one := read(t, map[string]string{"requirements.txt": "x\n", "a/requirements.txt": "x\n", "a/train.py": "", "b/requirements.txt": "x\n", "b/train.py": ""})
	if got := one.Projects(); got != nil {
		t.Errorf("got %v", got)
	}
}
