package image

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

const (
	// environmentRoot is where the requirements of an image of kind python are.
	environmentRoot = "/opt/venv"
	// officialInterpreter is where Python is in the images that are called python,
	// and pythonVersion the variable by which they tell their version:
	// hub.docker.com/_/python.
	officialInterpreter = "/usr/local/bin/python3"
	pythonVersion       = "PYTHON_VERSION"
)

// locked are the requirements of an image of kind python.
type locked struct{ spec wheel.Spec }

// requirements gives those of a spec for a version of Python.
func requirements(s Spec, python string) locked {
	l := locked{wheel.Spec{
		Name: s.Name, Dir: s.Dir, Lock: s.Requirements, Python: python, Platform: s.platform.OS + "/" + s.platform.Architecture,
		Root: environmentRoot, Interpreter: s.Interpreter, CacheDir: filepath.Join(cacheDir(s.Dir), "wheels"), Environ: s.Environ, At: s.At,
	}}
	if l.spec.Interpreter == "" {
		l.spec.Interpreter = officialInterpreter
	}
	return l
}

// key is the identity of the requirements. What the base says of its Python is no
// part of it: the base's digest is another part of the image's identity.
func (l locked) key() (string, error) {
	if l.spec.Python == "" {
		l.spec.Python = "3"
	}
	return wheel.Key(l.spec)
}

// requirements gives the contents of the layers of the requirements, for a base:
// those of the image that was pushed last when its lock was the same, so that
// nothing needs to be downloaded; none for other kinds of image.
func (r *Recipe) requirements(ctx context.Context, parent *base, last *previous) ([]*content, error) {
	if r.spec.Kind != KindPython {
		return nil, nil
	}
	python, err := pythonOf(r.spec, parent.config)
	if err != nil {
		return nil, err
	}
	l := requirements(r.spec, python)
	key, err := l.key()
	if err != nil {
		return nil, err
	}
	if had := last.requirements[key]; len(had) > 0 && len(last.packages) > 0 {
		r.packages = last.packages
		return had, nil
	}
	environment, err := wheel.Resolve(ctx, l.spec)
	if err != nil {
		return nil, err
	}
	r.packages = nil
	for _, p := range environment.Packages {
		r.packages = append(r.packages, Package{Name: p.Name, Version: p.Version, License: p.License, SHA256: p.SHA256})
	}
	var contents []*content
	for _, l := range environment.Layers {
		contents = append(contents, wheels(l, key))
	}
	return contents, nil
}

// Package is a Python package that an image has.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// License is as the package declares it; an SPDX expression where it has one.
	License string `json:"license,omitempty"`
	// SHA256 is the wheel's.
	SHA256 string `json:"sha256"`
}

// wheels gives the content of a layer of packages, of requirements with a key.
func wheels(l wheel.Layer, key string) *content {
	c := &content{what: "requirements: " + l.Name, fingerprint: "wheel-" + kindVersion + "-" + l.Fingerprint, requirements: key}
	for _, f := range l.Files {
		e := entry{name: f.Path, file: f.Path, link: f.Link, mode: f.Mode, size: f.Size, open: f.Open}
		if f.Mode&fs.ModeSymlink != 0 {
			e.mode = 0o777
		}
		c.entries = append(c.entries, e)
		c.bytes += f.Size
	}
	return c
}

// pythonOf gives the version of a base's Python: slipway.yaml's, or the one that
// the base tells in its environment.
func pythonOf(s Spec, config *v1.ConfigFile) (string, error) {
	told := ""
	for _, variable := range config.Config.Env {
		if version, ok := strings.CutPrefix(variable, pythonVersion+"="); ok {
			told = version
		}
	}
	switch {
	case s.Python == "" && told == "":
		return "", &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s does not tell which version of Python it has", s.Name, s.Base),
			Hint: "set python.version, such as 3.12, and python.interpreter where Python is not at " + officialInterpreter}
	case s.Python == "":
		return told, nil
	case told != "" && told != s.Python && !strings.HasPrefix(told, s.Python+"."):
		return "", &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s has Python %s, and python.version is %s", s.Name, s.Base, told, s.Python),
			Hint: "choose another base, or leave python.version out"}
	}
	return s.Python, nil
}

// variables gives the spec's variables, and for an image with requirements those
// by which programs find them: as activating the virtual environment would.
func (s Spec) variables(base []string) map[string]string {
	if s.Kind != KindPython {
		return s.Env
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, variable := range base {
		if value, ok := strings.CutPrefix(variable, "PATH="); ok {
			path = value
		}
	}
	all := map[string]string{"VIRTUAL_ENV": environmentRoot, "PATH": environmentRoot + "/bin:" + path}
	for name, value := range s.Env {
		all[name] = value
	}
	return all
}
