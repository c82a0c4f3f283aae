// Package survey looks at a repository of a machine learning project: what it is made of,
// and where each thing was seen. It changes nothing, and reads little of each file.
package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/source"
)

// Repository is what was found in a directory. All paths have slashes and begin at it.
type Repository struct {
	// Dir is the directory. Root is the root of its git repository, or Dir without one, and
	// Prefix is the path from Root to Dir, "." if they are the same.
	Dir, Root, Prefix string
	// Files are the paths of its files. Truncated reports whether there are more than were
	// looked at.
	Files     []string
	Truncated bool
	// Project is a name for the project.
	Project Value
	// Remote is the https address of the remote origin, or "". Branch is the branch that is
	// deployed.
	Remote, Branch string
	// Python is the version of Python that the project is for, such as 3.12. Its Text is "" if
	// nothing says it.
	Python Value
	// RequiresPython is what the pyproject.toml at the root demands of Python, such as >=3.12.
	RequiresPython Value
	// Locks are lock files with hashes, the best one first. Requirements are files that list
	// packages without a lock, the best one first.
	Locks, Requirements []Packages
	// Package is the directory that PYTHONPATH needs for the project's own packages: that of a
	// layout with src. It is "" if the project needs none.
	Package       Value
	Programs      []Program
	Notebooks     []string
	Dockerfiles   []Dockerfile
	Polyaxonfiles []Polyaxonfile
	Manifests     []Manifest
	CI            CI
	// Unread are the *source.Errors of files, or values of them, that could not be read. UnreadList
	// is that of a list of packages, or nil.
	Unread     []error
	UnreadList error
	// Broken is the *source.Error of a pyproject.toml that cannot be read.
	Broken error
	// Jupyter reports whether a list of packages names Jupyter, or is too large to tell.
	Jupyter bool
	// Ignored are the lines of .gitignore.
	Ignored []string

	scripts []Program // files with statements that nothing calls a program
}

// Value is a text, and where it was found.
type Value struct {
	Text string
	At   source.Position
}

// Exists reports whether the repository has a file at a path. Files that git ignores count,
// because they must not be overwritten either.
func (r *Repository) Exists(name string) bool {
	_, err := os.Lstat(filepath.Join(r.Dir, filepath.FromSlash(name)))
	return err == nil
}

// Empty reports whether there is nothing that slipway could work on.
func (r *Repository) Empty() bool {
	return len(r.Locks)+len(r.Requirements)+len(r.Programs)+len(r.Notebooks)+len(r.Dockerfiles)+len(r.Polyaxonfiles) == 0
}

// Read looks at the repository in dir. Git runs with the variables of environ. Files that
// git ignores are not read, nor are symbolic links, files of tools such as virtual
// environments, and what is too large. The error is that of ctx, of a panic, or of dir.
func Read(ctx context.Context, dir string, environ []string) (*Repository, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	}
	root, err := os.OpenRoot(full)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, &source.Error{Position: source.Position{File: dir}, Message: "the directory cannot be read: " + err.Error(), Hint: "-C sets the directory", Err: err}
	}
	defer root.Close()
	r := &Repository{Dir: full, Root: full, Prefix: "."}
	if at := revision.Top(full); at != "" {
		r.Root = at
		if below, err := filepath.Rel(at, full); err == nil {
			r.Prefix = filepath.ToSlash(below)
		}
	}
	r.Remote, r.Branch = revision.Remote(ctx, full, environ)
	t := &tree{root: root}
	if err := t.list(ctx, full, environ, r.Root != full || r.Exists(".git")); err != nil {
		return nil, err
	}
	r.Files = t.files
	slices.Sort(r.Files)
	if r.Prefix != "." {
		r.readAbove(t)
	}
	for _, name := range r.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := panics.Catch(name, func() error { r.look(t, name); return nil }); err != nil {
			return nil, err
		}
	}
	r.Truncated = r.Truncated || t.truncated
	r.finish()
	if text := t.read(".gitignore"); text != "" {
		r.Ignored = strings.Split(text, "\n")
	}
	return r, ctx.Err()
}

// readAbove reads the GitLab CI of the repository of a project that is a directory of it.
func (r *Repository) readAbove(t *tree) {
	const name = ".gitlab-ci.yml"
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return
	}
	defer root.Close()
	above := &tree{root: root}
	if text := above.read(name); text != "" {
		r.CI.GitLab = source.Position{File: name, Line: 1}
		r.CI.readStages(name, text)
	}
	t.total += above.total
}

// look reads a file if its name says that it is of interest.
func (r *Repository) look(t *tree, name string) {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	if len(r.Dockerfiles) == maxFound || len(r.Polyaxonfiles) == maxFound || len(r.Programs) == maxFound || len(r.Notebooks) == maxFound {
		r.Truncated = true
		return
	}
	switch {
	case isCI(name):
		r.CI.read(name, r.read(t, name))
	case isDockerfile(base):
		r.addDockerfile(name, r.read(t, name))
	case isPackages(name):
		text := t.read(name)
		if text == "" && t.isBinary(name) {
			r.UnreadList = notText(name)
			r.Unread = append(r.Unread, r.UnreadList)
			return
		}
		r.addPackages(name, text)
	case ext == ".py":
		r.addProgram(name, t.readCode(name))
	case ext == ".ipynb":
		r.Notebooks = append(r.Notebooks, name)
	case ext == ".yml", ext == ".yaml":
		r.addYAML(name, r.read(t, name))
	case ext == ".json":
		r.addYAML(name, t.read(name))
	}
}

// read returns the beginning of a file, and keeps that it is not text.
func (r *Repository) read(t *tree, name string) string {
	text := t.read(name)
	if text == "" && t.isBinary(name) {
		r.Unread = append(r.Unread, notText(name))
	}
	return text
}

// notText returns the error for a file that is not text in UTF-8.
func notText(name string) error {
	wrong := &source.Error{Position: source.Position{File: name}, Message: "it is not text in UTF-8", Hint: "save it as UTF-8, and run slipway init again"}
	if path.Ext(name) == ".txt" {
		wrong.Message, wrong.Hint = wrong.Message+", but perhaps in UTF-16, as PowerShell writes it", "save it as UTF-8, for example with pip freeze | Out-File -Encoding utf8 "+path.Base(name)+", and run slipway init again"
	}
	return wrong
}

// finish derives what several files tell together.
func (r *Repository) finish() {
	r.sortPackages()
	r.dropParts()
	r.findPrograms()
	if r.Python.Text == "" {
		for _, d := range r.Dockerfiles {
			if d.Python.Text != "" {
				r.Python = d.Python
				break
			}
		}
	}
	switch r.Project.Text = Slug(r.Project.Text); r.Project.Text {
	case "", "src", "lib", "app", "code", "package", "project": // templates name their package so, not the project
		r.Project = Value{Text: Slug(filepath.Base(r.Dir))}
		if r.Remote != "" && r.Prefix == "." {
			r.Project.Text = cmp.Or(Slug(path.Base(r.Remote)), r.Project.Text)
		}
	}
	if r.Project.Text == "" {
		r.Project.Text = "project"
	}
}

var notSlug = lazyregexp.New(`[^a-z0-9]+`)

// Slug turns a text into a name of slipway.yaml, or into "" if nothing of it can be part of
// one.
func Slug(text string) string {
	s := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(text), "-"), "-")
	return strings.Trim(s[:min(len(s), 63)], "-")
}

// firstMatch returns the first group of the first match of a pattern in the lines of a text.
func firstMatch(name, text string, pattern *lazyregexp.Regexp) (Value, bool) {
	found := pattern.FindStringSubmatchIndex(text)
	if found == nil || found[2] < 0 {
		return Value{}, false
	}
	return Value{text[found[2]:found[3]], source.Position{File: name, Line: 1 + strings.Count(text[:found[2]], "\n")}}, true
}
