// Package rootfs tells what the file system of a base image has, as far as an image
// that is built on it needs to know: directories with their owners and modes, symbolic
// links, Python interpreters, and the C library. It is read from the headers of the
// layers' archives; nothing is unpacked.
package rootfs

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Edition is raised when other things are read of the same layer.
const Edition = "1"

// The kinds of nodes.
const (
	// Directory is a directory.
	Directory = 'd'
	// Link is a symbolic link.
	Link = 'l'
	// Program is a file that may be a Python interpreter.
	Program = 'p'
)

// Node is a directory, a symbolic link or a program.
type Node struct {
	Kind rune `json:"k"`
	// Mode are the permissions with the sticky, set-user and set-group bits, as in a
	// tar header.
	Mode int64 `json:"m,omitempty"`
	UID  int   `json:"u,omitempty"`
	GID  int   `json:"g,omitempty"`
	// Target is where a link points to.
	Target string `json:"t,omitempty"`
	// Libc is the name of the C library that a program was linked with.
	Libc string `json:"c,omitempty"`
}

// Layer is what one layer of an image adds to those below it, and what it hides of
// them.
type Layer struct {
	Nodes map[string]Node `json:"nodes,omitempty"`
	// Hidden are the paths that are gone, and Opaque the directories of which
	// nothing below is left.
	Hidden []string `json:"hidden,omitempty"`
	Opaque []string `json:"opaque,omitempty"`
	// Libcs are the C libraries in the layer, by their path.
	Libcs map[string]Libc `json:"libcs,omitempty"`
}

// FS is what all layers of an image make together.
type FS struct {
	nodes map[string]Node
	libcs map[string]Libc
	// Partial tells that a layer could not be read: what is not here may be there
	// all the same.
	Partial bool
	// absent, of an excerpt, are paths at and below which nothing is; nil otherwise.
	absent map[string]bool
	lacks  bool
}

// Merge lays layers over each other, the lowest first.
func Merge(layers ...*Layer) *FS {
	fs := &FS{nodes: map[string]Node{}, libcs: map[string]Libc{}}
	for _, l := range layers {
		for _, name := range l.Hidden {
			fs.remove(name)
			fs.clear(name)
		}
		for _, name := range l.Opaque {
			fs.clear(name)
		}
		for name, n := range l.Nodes {
			if had, ok := fs.nodes[name]; ok && had.Kind == Directory && n.Kind != Directory {
				fs.clear(name)
			}
		}
		for name, n := range l.Nodes {
			fs.nodes[name] = n
		}
		for name, c := range l.Libcs {
			fs.libcs[name] = c
		}
	}
	return fs
}

func (fs *FS) remove(name string) {
	delete(fs.nodes, name)
	delete(fs.libcs, name)
}

// clear removes all that is below a directory.
func (fs *FS) clear(dir string) {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	for name := range fs.nodes {
		if strings.HasPrefix(name, prefix) {
			delete(fs.nodes, name)
		}
	}
	for name := range fs.libcs {
		if strings.HasPrefix(name, prefix) {
			delete(fs.libcs, name)
		}
	}
}

// Node gives what is at a path, without following a link there.
func (fs *FS) Node(name string) (Node, bool) {
	n, ok := fs.nodes[name]
	if !ok && fs.absent != nil && name != "/" && !fs.isAbsent(name) {
		fs.lacks = true
	}
	return n, ok
}

// maxLinks is how many links are followed: Linux's own limit (path_resolution(7)).
const maxLinks = 40

// Real gives the path that an absolute one leads to when all links are followed, also
// one at its end. What is not there is taken as it is written. A circle of links leads
// nowhere: then the path is given as it was.
func (fs *FS) Real(name string) string {
	done, rest, links := "/", strings.Split(path.Clean(name), "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		next := path.Join(done, part) // .. of a link's target leads up from where it is
		n, ok := fs.Node(next)
		if !ok || n.Kind != Link || part == ".." {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return name
		}
		if path.IsAbs(n.Target) {
			done = "/"
		}
		rest = append(strings.Split(n.Target, "/"), rest...)
	}
	return done
}

// Excerpt is the part of a file system that some paths lead through. It is small enough
// to be kept with an image.
type Excerpt struct {
	Nodes map[string]Node `json:"nodes,omitempty"`
	// Absent are paths at and below which nothing is.
	Absent []string `json:"absent,omitempty"`
}

// Excerpt gives what directories lead through.
func (fs *FS) Excerpt(dirs []string) Excerpt {
	e := Excerpt{Nodes: map[string]Node{}}
	absent := map[string]bool{}
	var walk func(name string, links int)
	walk = func(name string, links int) {
		at := ""
		for part := range strings.SplitSeq(strings.TrimPrefix(path.Clean(name), "/"), "/") {
			next := at + "/" + part
			n, ok := fs.Node(next)
			if !ok {
				absent[next] = true
				return
			}
			e.Nodes[next] = n
			if at = next; n.Kind == Link && links < maxLinks {
				to := n.Target
				if !path.IsAbs(to) {
					to = path.Join(path.Dir(next), to)
				}
				walk(to, links+1)
				at = fs.Real(next)
			}
		}
	}
	for _, dir := range dirs {
		walk(dir, 0)
	}
	e.Absent = slices.Sorted(maps.Keys(absent))
	return e
}

// FS gives the file system of which only the excerpt is known.
func (e Excerpt) FS() *FS {
	fs := &FS{nodes: e.Nodes, absent: map[string]bool{}}
	for _, name := range e.Absent {
		fs.absent[name] = true
	}
	return fs
}

// Lacks tells whether an excerpt was asked for something that is not in it.
func (fs *FS) Lacks() bool { return fs.lacks }

// isAbsent tells whether an excerpt says that nothing is at a path.
func (fs *FS) isAbsent(name string) bool {
	for ; name != "/"; name = path.Dir(name) {
		if fs.absent[name] {
			return true
		}
	}
	return false
}
