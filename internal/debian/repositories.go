package debian

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// sourcesList and sourcesDir are where apt's sources are.
	sourcesList = "/etc/apt/sources.list"
	sourcesDir  = "/etc/apt/sources.list.d"
	// maxSources limits the size of a file of apt sources or of keys, in bytes.
	maxSources = 16 << 20
)

// files are the files of a file system, by absolute paths with slashes.
type files interface {
	// File returns the content of a file, and false if there is none.
	File(name string) ([]byte, bool)
	// Files returns the paths of the files in a directory, sorted.
	Files(dir string) []string
}

// Sources are the repositories that packages come from, and the keys that sign them.
type Sources struct {
	list  []aptSource
	pins  pins
	files files
	// where is where they are, and remedy what helps if the keys there do not match.
	where, remedy string
}

// Sources returns the repositories that the apt sources of a base name, or nil if it has none.
func (b *Base) Sources() (*Sources, error) {
	list, err := readSources(b.fs, b.architecture)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	from := &Sources{list: list, files: b.fs, where: "the base", remedy: "use a newer base"}
	from.pins, err = readPins(b.fs)
	return from, err
}

// Release returns the name of the base's release, such as bookworm, or "" if it does not say.
func (b *Base) Release() string { return b.release("VERSION_CODENAME") }

// FileSources returns the repositories with a release, such as bookworm, that a file names. The
// file is in one of the two formats of sources.list(5): the name of the first ends with .list. A
// relative path after Signed-By begins at the directory of the file.
func FileSources(file, release string, b *Base) (*Sources, error) {
	text, err := source.ReadFile(nil, file, maxSources)
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("needs apt sources, and they cannot be read: %v", err), Hint: "check apt-sources", Err: err}
	}
	name := filepath.Base(file)
	list, err := readSourceFile(name, text, b.architecture)
	if err != nil {
		return nil, err
	}
	return choose(list, release, &Sources{files: machine{"/", filepath.Dir(file)}, where: name, remedy: "name another keyring there after Signed-By"})
}

// MachineSources returns the repositories with a release, such as bookworm, that the apt sources
// below a directory name, which is / for this machine.
func MachineSources(root, release string, b *Base) (*Sources, error) {
	from := &Sources{files: machine{root: root}, where: "this machine", remedy: "install its keyring, such as debian-archive-keyring"}
	list, err := readSources(from.files, b.architecture)
	if err != nil {
		return nil, err
	}
	if from.pins, err = readPins(from.files); err != nil {
		return nil, err
	}
	return choose(list, release, from)
}

// choose keeps the sources of a release and of its suites, such as bookworm-updates. It returns an
// *Error if there are none.
func choose(list []aptSource, release string, from *Sources) (*Sources, error) {
	others := map[string]bool{}
	for _, s := range list {
		switch {
		case release == "":
		case s.suite == release, strings.HasPrefix(s.suite, release+"-"), strings.HasPrefix(s.suite, release+"/"):
			from.list = append(from.list, s)
		default:
			others[s.suite] = true
		}
	}
	if len(from.list) > 0 {
		return from, nil
	}
	if release == "" {
		return nil, &Error{Message: "has no apt sources with http or https (/etc/apt/sources.list, /etc/apt/sources.list.d), and does not say its release", Hint: "use a base that has them, such as python:3.12-slim; or " + dockerfileHint}
	}
	e := &Error{Message: fmt.Sprintf("needs apt sources for %s, and %s has none", release, from.where), Hint: "write them into a file, such as debian.sources, and name it in slipway.yaml: apt-sources: debian.sources"}
	if len(others) > 0 {
		e.Message += ", only for " + strings.Join(slices.Sorted(maps.Keys(others)), ", ")
	}
	return nil, e
}

// machine are the files below a directory of this machine, which is / for all. Relative paths begin
// at dir.
type machine struct{ root, dir string }

func (m machine) path(name string) string {
	if !path.IsAbs(name) {
		return filepath.Join(m.dir, filepath.FromSlash(name))
	}
	return filepath.Join(m.root, filepath.FromSlash(name))
}

// File implements files.
func (m machine) File(name string) ([]byte, bool) {
	text, err := source.ReadFile(nil, m.path(name), maxSources)
	return text, err == nil
}

// Files implements files.
func (m machine) Files(dir string) []string {
	entries, err := os.ReadDir(m.path(dir)) // sorted
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0 {
			all = append(all, path.Join(dir, e.Name()))
		}
	}
	return all
}
