package image

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

const (
	// environmentRoot is the directory for the requirements of an image of kind python.
	environmentRoot = "/opt/venv"
	// officialInterpreter is the path of Python in the official python images, and
	// pythonVersion the environment variable in which they state their version. See
	// hub.docker.com/_/python.
	officialInterpreter = "/usr/local/bin/python3"
	pythonVersion       = "PYTHON_VERSION"
)

// interpreter is the base's Python. Fields that are not known are empty.
type interpreter struct {
	path, version string
	libc          rootfs.Libc
}

// library returns the directory of the modules below the interpreter's prefix, such as lib/python3.12, or "" if
// the version is not known.
func (i interpreter) library() string {
	parts := strings.SplitN(i.version, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return "lib/python" + parts[0] + "." + parts[1]
}

// wheelSpec returns the requirements of a spec for an interpreter.
func wheelSpec(s Spec, python interpreter) wheel.Spec {
	return wheel.Spec{
		Name: s.Name, Dir: s.Dir, Lock: s.Requirements, Python: python.version, Libc: python.libc, Platform: s.platform.OS + "/" + s.platform.Architecture,
		Root: environmentRoot, Interpreter: cmp.Or(python.path, s.Interpreter, officialInterpreter),
		Extras: s.Extras, Groups: s.Groups, FromSource: s.FromSource, Wheels: s.Wheels,
		CacheDir: filepath.Join(cacheDir(s.Dir), "wheels"), Environ: s.Environ, At: s.At,
		Progress: func(text string) { s.Notify(Step, "%s", text) }, Watch: s.Watch,
	}
}

// pythonLayers returns the contents of the layers with requirements, at most limit of them.
// If the image that was pushed last had the same requirements, it returns that image's
// layers, so that nothing needs to be downloaded. For other kinds of image it returns nil.
// If early is not nil, it is called with contents that need not wait for others, while
// packages are still being downloaded, from several goroutines.
func (r *Recipe) pythonLayers(ctx context.Context, parent *base, last *lastImage, limit int, early func(*content)) ([]*content, error) {
	if r.spec.Kind != KindPython {
		return nil, nil
	}
	if err := parent.findPython(ctx, r.spec); err != nil {
		return nil, err
	}
	spec := wheelSpec(r.spec, *parent.python)
	key, err := wheel.Key(spec)
	if err != nil {
		return nil, err
	}
	if key, err = parent.under(ctx, key, environmentRoot); err != nil {
		return nil, err
	}
	if err := r.lockIsUnchanged(); err != nil {
		return nil, err
	}
	squeezed := fmt.Sprintf("%s/%d", key, limit)
	for _, had := range [][]*content{last.requirements[key], last.requirements[squeezed]} {
		if len(had) > 0 && len(had) <= limit && len(last.packages) > 0 {
			r.packages = last.packages
			return had, r.checkEnvironment(ctx, parent)
		}
	}
	if early != nil {
		spec.MaxLayers, spec.Early = limit, func(l wheel.Layer) {
			// If the base cannot be read, the error is returned by the call of placeOn below.
			if placed, err := placeOn(ctx, []*content{wheels(l, key)}, parent, limit); err == nil {
				early(placed[0])
			}
		}
	}
	environment, err := wheel.Resolve(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := r.lockIsUnchanged(); err != nil {
		return nil, err
	}
	if err := r.examine(ctx, parent, environment, spec.Python); err != nil {
		return nil, err
	}
	if len(environment.Layers) > limit {
		key = squeezed
	}
	var contents []*content
	for _, l := range environment.Layers {
		contents = append(contents, wheels(l, key))
	}
	return placeOn(ctx, contents, parent, limit)
}

// examine keeps the packages of an environment, refuses one that cannot work on the base, and warns of what may not work.
func (r *Recipe) examine(ctx context.Context, parent *base, environment *wheel.Environment, python string) error {
	for _, c := range environment.Conflicts() {
		r.spec.Notify(Warning, "image %s: %s and %s both install %d files with the same names and different content: the image has those of %s, as uv would install them, and %s may not work; remove one of the two from %s",
			r.Name, c.Kept, c.Dropped, c.Files, c.Kept, c.Dropped, r.spec.Requirements)
	}
	if len(environment.Unmet) > 0 {
		var lacks []string
		for _, u := range environment.Unmet {
			lacks = append(lacks, u.String())
		}
		r.spec.Notify(Warning, "image %s: %s does not have what its packages require: %s; programs that import them may fail: lock again for Linux and Python %s",
			r.Name, r.spec.Requirements, listed(lacks), python)
	}
	r.packages = nil
	for _, p := range environment.Packages {
		r.packages = append(r.packages, Package{Name: p.Name, Version: p.Version, License: p.License, SHA256: p.SHA256})
	}
	if err := r.checkEnvironment(ctx, parent); err != nil {
		return err
	}
	if err := r.noteHidden(ctx, parent); err != nil {
		return err
	}
	r.warnOfPath(parent.config.Config.Env)
	return nil
}

// lockIsUnchanged returns a *ChangedError if the lock is not the one that r.Inputs stands for.
// The image would get the tag of other content.
func (r *Recipe) lockIsUnchanged() error {
	now, err := r.identity()
	if err != nil || now == r.Inputs {
		return err
	}
	return &ChangedError{r.spec.Requirements}
}

// under returns a key for content below a directory. It returns a different key if the base
// has that directory, or one above it, as a link or with another owner or mode.
func (b *base) under(ctx context.Context, key, dir string) (string, error) {
	probe := &content{fingerprint: key, entries: []entry{{name: path.Join(dir, "x")}}}
	err := b.withFS(ctx, func(fs *rootfs.FS) { key = probe.placedOn(fs).fingerprint })
	return key, err
}

// Package is a Python package in an image, or a Go module linked into its program.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// License is the license that the package declares: an SPDX expression if it has one.
	License string `json:"license,omitempty"`
	// SHA256 is the hash of the wheel, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// wheels returns the content of a layer of packages, which belongs to requirements with a
// key.
func wheels(l wheel.Layer, key string) *content {
	c := &content{description: "requirements: " + l.Name, fingerprint: "wheel-" + kindVersion + "-" + l.Fingerprint, requirements: key}
	for _, f := range l.Files {
		e := entry{name: f.Path, file: f.Path, link: f.Link, mode: f.Mode, size: f.Size, open: f.Open, deflated: f.Deflated}
		if f.Mode&fs.ModeSymlink != 0 {
			e.mode = 0o777
		}
		c.entries = append(c.entries, e)
		c.bytes += f.Size
	}
	c.parents = directories(c.entries)
	return c
}

// findPython finds the interpreter that the requirements are for, unless it is known.
func (b *base) findPython(ctx context.Context, s Spec) error {
	if b.python != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if stated := officialVersion(b.config.Config.Env); stated != "" && s.Python == "" && s.Interpreter == "" {
		if err := wheel.CheckLock(wheelSpec(s, interpreter{version: stated})); err != nil {
			return err
		}
	}
	fs, err := b.read(ctx)
	if err != nil {
		return err
	}
	b.known = fs
	python, err := pythonOf(s, b.config.Config.Env, fs)
	b.python = &python
	return err
}

// checkRequirements returns an error if the requirements cannot be used with the Python that the
// base is known to have before it is read.
func checkRequirements(s Spec) error {
	if s.Kind != KindPython {
		return nil
	}
	version := s.Python
	if named, sure := wheel.NamedPython(s.Base); sure && version == "" && s.Interpreter == "" {
		version = named
	}
	return wheel.CheckLock(wheelSpec(s, interpreter{version: version}))
}

// officialVersion returns the version of Python that the variables of an image state, or "". They
// are those of the official images, or of an image on top of one that put nothing before its Python.
func officialVersion(env []string) string {
	if first, _, _ := strings.Cut(variable(env, "PATH"), ":"); first != path.Dir(officialInterpreter) {
		return ""
	}
	return variable(env, pythonVersion)
}

// pythonOf returns the interpreter that the requirements are for: the one that slipway.yaml
// names, or the first on the base's PATH that has the version in slipway.yaml.
func pythonOf(s Spec, env []string, fs *rootfs.FS) (interpreter, error) {
	stated := variable(env, pythonVersion)
	found, ok := searchPython(s, env, fs)
	switch {
	case ok && s.Python != "" && found.Version != s.Python:
		return interpreter{}, refusePython(s, fs, fmt.Sprintf("has Python %s at %s, but python.version is %s", found.Version, found.Path, s.Python))
	case ok:
		p := interpreter{path: found.Path, version: found.Version}
		if strings.HasPrefix(stated, found.Version+".") {
			p.version = stated // including the patch version
		}
		p.libc, _ = fs.Libc(found.Path)
		return p, nil
	case stated != "" && s.Python != "" && stated != s.Python && !strings.HasPrefix(stated, s.Python+"."):
		return interpreter{}, refusePython(s, fs, fmt.Sprintf("has Python %s, but python.version is %s", stated, s.Python))
	case !fs.Partial && s.Interpreter != "":
		return interpreter{}, refusePython(s, fs, "has no Python at "+s.Interpreter)
	case !fs.Partial && stated == "" && s.Python != "":
		return interpreter{}, refusePython(s, fs, "has no Python "+s.Python+" on its PATH")
	case !fs.Partial && stated == "":
		return interpreter{}, refusePython(s, fs, "has no Python on its PATH")
	}
	// The base states a version but no interpreter was found, or it could not be read.
	p := interpreter{path: cmp.Or(s.Interpreter, officialInterpreter), version: cmp.Or(s.Python, stated)}
	if p.version == "" {
		return interpreter{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s does not state its Python version, and its layers cannot be read", s.Name, s.Base),
			Hint: "set python.version, such as 3.12, and python.interpreter where Python is not at " + officialInterpreter}
	}
	if !fs.Partial {
		s.Notify(Warning, "image %s: the base %s states that it has Python %s, but no interpreter was found in it; using %s", s.Name, s.Base, stated, p.path)
	}
	p.libc, _ = fs.Libc(p.path)
	return p, nil
}

// searchPython returns the interpreter that the spec names, or the first on the PATH.
func searchPython(s Spec, env []string, fs *rootfs.FS) (rootfs.Python, bool) {
	if s.Interpreter != "" {
		return fs.Python(s.Interpreter)
	}
	return fs.OnPath(cmp.Or(variable(env, "PATH"), defaultPath), s.Python)
}

// refusePython returns an error about the base's Python, with a hint that lists the
// interpreters that the base has.
func refusePython(s Spec, fs *rootfs.FS, what string) error {
	hint := "choose a base that has Python, such as python:3.12-slim"
	var have []string
	for _, p := range fs.Pythons() {
		have = append(have, p.Version+" at "+p.Path)
	}
	if len(have) > 0 {
		hint = "it has " + strings.Join(have, ", ") + ": set python.version and python.interpreter to that, or remove them"
	}
	return refuseBase(s, nil, hint, "%s", what)
}

// defaultPath is the PATH of a container whose image sets none, as in runc and Docker.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// variable returns the value of an environment variable, or "".
func variable(environ []string, name string) string {
	for _, v := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
