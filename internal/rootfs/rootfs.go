// Package rootfs describes the file system of a base image, as far as it matters to an
// image built on top: directories with their owners and modes, symbolic links, Python
// interpreters, the C library, and the files of dpkg and apt. It reads the archives of the layers as streams and
// unpacks nothing.
package rootfs

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// FormatVersion is the version of the data read from a layer. Increase it when Read reads
// something different from the same layer, so that cached results are not used.
const FormatVersion = "4"

// Kinds of nodes.
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
	// Mode has the permissions and the sticky, set-user and set-group bits, as in a tar
	// header.
	Mode int64 `json:"m,omitempty"`
	UID  int   `json:"u,omitempty"`
	GID  int   `json:"g,omitempty"`
	// Target is the target of a link.
	Target string `json:"t,omitempty"`
	// Libc is the name of the C library that a program is linked with, if known.
	Libc string `json:"c,omitempty"`
}

// Layer is what one layer of an image adds to the layers below it, and what it hides of
// them.
type Layer struct {
	// Nodes are directories, links and programs by their absolute path.
	Nodes map[string]Node `json:"nodes,omitempty"`
	// Hidden are paths that the layer deletes. Opaque are directories of which the layer
	// hides all content from the layers below.
	Hidden []string `json:"hidden,omitempty"`
	Opaque []string `json:"opaque,omitempty"`
	// Libcs are the C libraries in the layer, by path.
	Libcs map[string]Libc `json:"libcs,omitempty"`
	// Files are the contents of the files that say which packages the image has, and where others
	// are, by path.
	Files map[string][]byte `json:"files,omitempty"`

	// bytes is the size of Files.
	bytes int64
}

// FS is the file system that all layers of an image make together. It is not safe for
// concurrent use.
type FS struct {
	nodes map[string]Node
	libcs map[string]Libc
	files map[string][]byte
	// Partial reports whether a layer could not be read, so that files may exist that FS
	// does not know.
	Partial bool
	// absent are the paths at and below which there is nothing. Only an excerpt has them.
	absent map[string]bool
	lacks  bool
	// libraries are the versions of Python whose library is below a directory, once they were looked for.
	libraries map[string][]string
}

// Merge returns the file system of the layers, the lowest first.
func Merge(layers ...*Layer) *FS {
	fs := &FS{nodes: map[string]Node{}, libcs: map[string]Libc{}, files: map[string][]byte{}}
	for _, l := range layers {
		fs.hide(l)
		for name, n := range l.Nodes {
			fs.nodes[name] = n
			delete(fs.files, name)
		}
		for name, c := range l.Libcs {
			fs.libcs[name] = c
		}
		maps.Copy(fs.files, l.Files)
	}
	return fs
}

// hide removes what a layer hides of the layers below it. It takes one look at each path, since a
// layer may hide as many as it has entries.
func (fs *FS) hide(l *Layer) {
	gone, empty := map[string]bool{}, map[string]bool{} // paths, and directories of which only the content goes
	for _, name := range l.Hidden {
		gone[name] = true
	}
	for _, name := range l.Opaque {
		empty[name] = true
	}
	for name, n := range l.Nodes {
		if had, ok := fs.nodes[name]; ok && had.Kind == Directory && n.Kind != Directory {
			empty[name] = true
		}
	}
	if len(gone)+len(empty) == 0 {
		return
	}
	hidden := func(name string) bool {
		if gone[name] {
			return true
		}
		for end := strings.LastIndexByte(name, '/'); end >= 0; end = strings.LastIndexByte(name[:end], '/') {
			if dir := name[:max(end, 1)]; gone[dir] || empty[dir] {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(fs.nodes, func(name string, _ Node) bool { return hidden(name) })
	maps.DeleteFunc(fs.libcs, func(name string, _ Libc) bool { return hidden(name) })
	maps.DeleteFunc(fs.files, func(name string, _ []byte) bool { return hidden(name) })
}

// Node returns the node at a path. It does not follow a link there.
func (fs *FS) Node(name string) (Node, bool) {
	n, ok := fs.nodes[name]
	if !ok && fs.absent != nil && name != "/" && !fs.isAbsent(name) {
		fs.lacks = true
	}
	return n, ok
}

// Directories returns the names of the directories in a directory, sorted.
func (fs *FS) Directories(dir string) []string {
	dir = fs.Real(dir)
	if n, ok := fs.Node(dir); !ok || n.Kind != Directory {
		return nil
	}
	fs.lacks = fs.lacks || !fs.Whole()
	var all []string
	for name, n := range fs.nodes {
		if n.Kind == Directory && path.Dir(name) == dir && name != dir {
			all = append(all, path.Base(name))
		}
	}
	slices.Sort(all)
	return all
}

// maxLinks limits how many links are followed, as Linux does (path_resolution(7)).
const maxLinks = 40

// Real returns the path that an absolute path leads to when all links are followed,
// including one at its end. Parts that do not exist are kept as they are. If there are too
// many links, as in a cycle, Real returns the path unchanged.
func (fs *FS) Real(name string) string {
	done, rest, links := "/", strings.Split(path.Clean(name), "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		// .. in the target of a link goes up from the directory of the link.
		next := path.Join(done, part)
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

// Excerpt is the part of a file system that some paths lead through. It is small enough to
// be stored in an annotation of an image.
type Excerpt struct {
	Nodes map[string]Node `json:"nodes,omitempty"`
	// Absent are the paths at and below which there is nothing.
	Absent []string `json:"absent,omitempty"`
}

// Excerpt returns the part of the file system that the directories lead through.
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

// FS returns a file system that knows only the excerpt. See FS.Lacks.
func (e Excerpt) FS() *FS {
	fs := &FS{nodes: e.Nodes, absent: map[string]bool{}}
	for _, name := range e.Absent {
		fs.absent[name] = true
	}
	return fs
}

// Whole reports whether fs is not an excerpt.
func (fs *FS) Whole() bool { return fs.absent == nil }

// Lacks reports whether an excerpt was asked for a path that it does not cover.
func (fs *FS) Lacks() bool { return fs.lacks }

// isAbsent reports whether an excerpt says that there is nothing at a path.
func (fs *FS) isAbsent(name string) bool {
	for ; name != "/"; name = path.Dir(name) {
		if fs.absent[name] {
			return true
		}
	}
	return false
}
