package rootfs

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Python is an interpreter.
type Python struct {
	// Path is where it is found, and Version such as 3.12.
	Path, Version string
}

var (
	versioned = regexp.MustCompile(`^python(3\.[0-9]+)$`)
	library   = regexp.MustCompile(`^/(.*/)?lib/python(3\.[0-9]+)$`)
)

// Python gives the interpreter at a path, and false where there is none. A path from
// which Python would not find its library is given as the one that it leads to.
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

// hasLibrary tells whether the standard library lies beside an interpreter. A virtual
// environment has a directory of that name, without the library itself.
func (fs *FS) hasLibrary(interpreter, version string) bool {
	for _, lib := range []string{"lib", "lib64"} {
		encodings := path.Join(path.Dir(path.Dir(interpreter)), lib, "python"+version, "encodings")
		if n, ok := fs.nodes[fs.Real(encodings)]; ok && n.Kind == Directory {
			return true
		}
	}
	return false
}

// onlyLibrary gives the version of Python whose library is below a prefix, where
// there is exactly one.
func (fs *FS) onlyLibrary(prefix string) (string, bool) {
	version := ""
	for name, n := range fs.nodes {
		m := library.FindStringSubmatch(name)
		if m == nil || n.Kind != Directory || path.Join("/", m[1]) != prefix {
			continue
		}
		if version != "" {
			return "", false
		}
		version = m[2]
	}
	return version, version != ""
}

// OnPath gives the interpreter that a search path (as of PATH) finds first, of a
// version such as 3.12, or of any when that is empty.
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

// Pythons gives all interpreters, by path: those that are files of their own.
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
