package rootfs

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Python is a Python interpreter.
type Python struct {
	// Path is the path of the interpreter, and Version its version, such as 3.12.
	Path, Version string
}

var (
	versioned = lazyregexp.New(`^python(3\.[0-9]+)$`)
	library   = lazyregexp.New(`^/(.*/)?lib/python(3\.[0-9]+)$`)
)

// Python returns the interpreter at a path, and false if there is none. If Python would not
// find its library from that path, the returned Path is the one that the links lead to.
func (fs *FS) Python(name string) (Python, bool) {
	real := fs.Real(name)
	n, ok := fs.nodes[real]
	if !ok || n.Kind != Program {
		return Python{}, false
	}
	p := Python{Path: name}
	if m := versioned.FindStringSubmatch(path.Base(real)); m != nil {
		p.Version = m[1]
	} else if p.Version, ok = fs.onlyLibrary(path.Dir(path.Dir(real))); !ok {
		return Python{}, false
	}
	if !fs.hasLibrary(name, p.Version) && fs.hasLibrary(real, p.Version) {
		p.Path = real
	}
	return p, true
}

// hasLibrary reports whether the standard library is next to an interpreter. It looks for a
// package in the library, because a virtual environment has the directory without the
// library.
func (fs *FS) hasLibrary(interpreter, version string) bool {
	for _, lib := range []string{"lib", "lib64"} {
		encodings := path.Join(path.Dir(path.Dir(interpreter)), lib, "python"+version, "encodings")
		if n, ok := fs.nodes[fs.Real(encodings)]; ok && n.Kind == Directory {
			return true
		}
	}
	return false
}

// onlyLibrary returns the version of the Python library below a prefix, and false unless
// there is exactly one.
func (fs *FS) onlyLibrary(prefix string) (string, bool) {
	if fs.libraries == nil {
		fs.libraries = map[string][]string{}
		for name, n := range fs.nodes {
			if m := library.FindStringSubmatch(name); m != nil && n.Kind == Directory {
				below := path.Join("/", m[1])
				fs.libraries[below] = append(fs.libraries[below], m[2])
			}
		}
	}
	versions := fs.libraries[prefix]
	if len(versions) != 1 {
		return "", false
	}
	return versions[0], true
}

// OnPath returns the first interpreter on a search path such as PATH. If version is not
// empty, the interpreter must have that version, such as 3.12.
func (fs *FS) OnPath(search, version string) (Python, bool) {
	names := []string{"python3", "python"}
	if version != "" {
		names = []string{"python3", "python" + version, "python"}
	}
	for _, dir := range strings.Split(search, ":") {
		if !path.IsAbs(dir) {
			continue
		}
		for _, name := range names {
			if p, ok := fs.Python(path.Join(dir, name)); ok && (version == "" || p.Version == version) {
				return p, true
			}
		}
	}
	return Python{}, false
}

// Pythons returns all interpreters that are not links, sorted by path.
func (fs *FS) Pythons() []Python {
	var all []Python
	for name, n := range fs.nodes {
		if n.Kind != Program {
			continue
		}
		if p, ok := fs.Python(name); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Python) int { return cmp.Compare(a.Path, b.Path) })
	return all
}
