package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

const (
	// maxFile and maxFiles limit the size in bytes of one of Layer.Files, and of all together.
	maxFile  = 16 << 20
	maxFiles = 64 << 20
)

// packageFile matches the files of dpkg and apt that are kept: which packages there are and which
// of their files are left out, the repositories and pins with the keys that sign them, and where libraries are.
var packageFile = lazyregexp.New(`^(/var/lib/dpkg/(status|status\.d/[^/]+|alternatives/[^/]+)|/etc/dpkg/dpkg\.cfg(\.d/[^/]+)?` +
	`|/etc/ld\.so\.(cache|conf|conf\.d/[^/]+\.conf)|/etc/os-release|/usr/lib/os-release|/etc/apt/(preferences(\.d/[^/]+)?|sources\.list|sources\.list\.d/[^/]+\.(list|sources)|trusted\.gpg|(trusted\.gpg\.d|keyrings)/[^/]+)|/usr/share/keyrings/[^/]+)$`)

func isPackageFile(name string) bool { return packageFile.MatchString(name) }

// addFile keeps the content of a file. A hard link has that of the file before it.
func (l *Layer) addFile(name string, h *tar.Header, content io.Reader) error {
	if l.Files == nil {
		l.Files = map[string][]byte{}
	}
	if h.Typeflag == tar.TypeLink {
		if text, ok := l.Files[path.Join("/", h.Linkname)]; ok {
			l.Files[name] = text
		}
		return nil
	}
	l.bytes += h.Size - int64(len(l.Files[name]))
	if h.Size > maxFile || l.bytes > maxFiles {
		return fmt.Errorf("%s in a layer is larger than any real one: %d bytes", name, h.Size)
	}
	text, err := io.ReadAll(content)
	l.Files[name] = text
	return err
}

// File returns the content of a file of dpkg or apt, and false if there is none. It follows links.
func (fs *FS) File(name string) ([]byte, bool) {
	text, ok := fs.files[fs.Real(name)]
	return text, ok
}

// Files returns the paths of the files of dpkg and apt in a directory, and of the links there,
// sorted.
func (fs *FS) Files(dir string) []string {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	var all []string
	for name := range fs.files {
		if strings.HasPrefix(name, prefix) && path.Dir(name) == path.Clean(dir) {
			all = append(all, name)
		}
	}
	for name, n := range fs.nodes {
		if n.Kind == Link && strings.HasPrefix(name, prefix) && path.Dir(name) == path.Clean(dir) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
