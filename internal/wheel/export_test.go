package wheel

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/testenv"
)

const project = `[project]
name = "story"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["idna==3.10", "six==1.17.0", "colorama==0.4.6 ; sys_platform == 'win32'"]

[project.optional-dependencies]
text = ["webencodings==0.5.1"]

[dependency-groups]
dev = ["iniconfig==2.0.0"]
`

// poetryProject is the same project for poetry. It does not install the project itself, and
// uses an index as pip does, because a mirror may have only what pip needs.
const poetryProject = `
[[tool.poetry.source]]
name = "index"
url = "INDEX"
priority = "primary"

[tool.poetry]
package-mode = false

[tool.poetry.group.dev.dependencies]
iniconfig = "2.0.0"
`

// TestExports makes locks with uv and poetry, and exports them. Each export must have the
// same packages, without those for development and those for other systems.
func TestExports(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it downloads uv and poetry")
	}
	cache := filepath.Join(testenv.Root(t), ".cache", "wheels")
	var first []string
	for _, lock := range []string{"uv.lock", "pylock.toml", "poetry.lock"} {
		t.Run(lock, func(t *testing.T) {
			s := Spec{Name: "train", Dir: t.TempDir(), Lock: lock, Python: "3.12", CacheDir: cache, Environ: os.Environ()}
			text := project
			if lock == "poetry.lock" {
				text, _, _ = strings.Cut(project, "\n[dependency-groups]")
				index, err := exec.Command("python3", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)").Output()
				if err != nil {
					unavailable(t, "pip")
				}
				text += strings.Replace(poetryProject, "INDEX", strings.TrimSpace(string(index)), 1)
				s.Environ = append(s.Environ, "POETRY_VIRTUALENVS_CREATE=false", "POETRY_CACHE_DIR="+t.TempDir())
			}
			write(t, s.Dir, "pyproject.toml", text)
			for _, step := range map[string][][]string{
				"uv.lock": {{"uv", "lock"}}, "pylock.toml": {{"uv", "lock"}, {"uv", "export", "--format", "pylock.toml", "--no-dev", "--output-file", "pylock.toml"}},
				"poetry.lock": {{"poetry", "lock", "--no-interaction"}},
			}[lock] {
				tool, err := s.uv(t.Context())
				if step[0] == "poetry" {
					tool, err = s.poetry(t.Context())
				}
				if err != nil {
					unavailable(t, step[0]+": "+err.Error())
				}
				tool.dir = s.Dir
				if stdout, stderr, err := tool.run(t.Context(), step[1:]...); err != nil {
					unavailable(t, strings.Join(step, " ")+": "+stdout+stderr)
				}
			}
			var got []string
			for _, p := range resolve(t, s).Packages {
				got = append(got, p.Name+" "+p.Version+" "+p.SHA256)
			}
			if len(got) != 2 || !strings.HasPrefix(got[0], "idna 3.10 ") || !strings.HasPrefix(got[1], "six 1.17.0 ") {
				t.Errorf("it has %q", got)
			}
			if first == nil {
				first = got
			}
			if diff := cmp.Diff(first, got); diff != "" {
				t.Error(diff)
			}

			if lock != "pylock.toml" { // the pylock.toml is made for some extras and groups only
				s.Extras, s.Groups = []string{"Text"}, []string{"dev"}
				var more []string
				for _, p := range resolve(t, s).Packages {
					more = append(more, p.Name)
				}
				if diff := cmp.Diff([]string{"idna", "iniconfig", "six", "webencodings"}, more); diff != "" {
					t.Errorf("with an extra and a group: %s", diff)
				}
				s.Extras = []string{"txt"}
				if _, err := Resolve(t.Context(), s); err == nil || !strings.Contains(err.Error(), "has no extra txt (did you mean text?)") {
					t.Errorf("an extra that is none: %v", err)
				}
				s.Extras, s.Groups = nil, nil
			}
			write(t, s.Dir, lock, "version = [\n")
			_, err := Resolve(t.Context(), s)
			var wrong *source.Error
			if !errors.As(err, &wrong) || wrong.File != lock {
				t.Errorf("a lock that does not parse: %v", err)
			}
		})
	}
}
