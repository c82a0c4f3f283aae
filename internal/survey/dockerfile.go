package survey

import (
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// Dockerfile is a Dockerfile of the repository.
type Dockerfile struct {
	At source.Position
	// Name is a name for its image.
	Name string
	// Python is the version of Python of its base.
	Python Value
	// System is the first instruction that installs what pip cannot.
	System Value
	// Serves is the component that ships whose program its last command starts, or "".
	Serves string
	// Program is what the server starts: a path, or MODULE:VARIABLE.
	Program Value
	// Runs is the program that its last command starts: a path, or a module.
	Runs Value
}

// Path returns the path of the Dockerfile.
func (d Dockerfile) Path() string { return d.At.File }

func isDockerfile(base string) bool {
	lower := strings.ToLower(base)
	return lower == "dockerfile" || lower == "containerfile" || strings.HasPrefix(lower, "dockerfile.") && lower != "dockerfile.dockerignore" || strings.HasSuffix(lower, ".dockerfile")
}

var (
	fromLine   = lazyregexp.New(`(?mi)^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(\S+)`)
	fromPython = lazyregexp.New(`(?mi)^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?\S*python[\w-]*:(3\.\d{1,2})`)
	system     = lazyregexp.New(`(?m)\b(apt-get[ \t]+(?:-\S+[ \t]+)*install|apt[ \t]+install|apk[ \t]+add|(?:yum|dnf)[ \t]+install|(?:conda|mamba|micromamba)[ \t]+(?:env[ \t]+)?(?:create|install|update)|make[ \t]+install)`)
	runsUV     = lazyregexp.New(`(?m)\b(?:uvicorn|gunicorn)\b[^\n]*?["' \t]([A-Za-z_][\w.]*:[A-Za-z_]\w*)`)
	runsApp    = lazyregexp.New(`(?m)\bstreamlit["', \t]+run["', \t]+([\w./-]+\.py)`)
	runsLab    = lazyregexp.New(`(?m)^[ \t]*(?:CMD|ENTRYPOINT)[^\n]*\b(jupyter)\b`)
	runsPython = lazyregexp.New(`(?m)^[ \t]*(?:CMD|ENTRYPOINT)[^\n]*\bpython3?["', \t]+(?:-u["', \t]+)?(?:-m["', \t]+)?([\w./-]+)`)
	runsCode   = lazyregexp.New(`(?m)^[ \t]*(?:CMD|ENTRYPOINT)[^\n]*\b(code-server)\b`)
)

func (r *Repository) addDockerfile(name, text string) {
	from, ok := firstMatch(name, text, fromLine)
	if !ok {
		return
	}
	d := Dockerfile{At: from.At, Name: dockerfileName(name)}
	d.Python, _ = firstMatch(name, text, fromPython)
	d.System, _ = firstMatch(name, text, system)
	d.Runs, _ = firstMatch(name, text, runsPython)
	for _, server := range []struct {
		component string
		pattern   *lazyregexp.Regexp
	}{{"rest-api", runsUV}, {"streamlit", runsApp}, {"jupyter", runsLab}, {"vscode", runsCode}} {
		if v, ok := firstMatch(name, text, server.pattern); ok {
			d.Serves, d.Program = server.component, v
			break
		}
	}
	r.Dockerfiles = append(r.Dockerfiles, d)
}

// dockerfileName returns a name for the image of a Dockerfile: what its own name says, or
// else its directory's.
func dockerfileName(name string) string {
	base := path.Base(name)
	if lower := strings.ToLower(base); strings.HasSuffix(lower, ".dockerfile") {
		base = base[:len(base)-len(".dockerfile")]
	} else if _, after, ok := strings.Cut(base, "."); ok {
		base = after
	} else if base = path.Base(path.Dir(name)); base == "." || base == "docker" {
		base = "app"
	}
	if s := Slug(base); s != "" {
		return s
	}
	return "app"
}
