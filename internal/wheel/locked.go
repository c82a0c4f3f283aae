package wheel

import (
	"net/url"
	"path"
	"strings"
)

// lockedFile is a file that a lock allows for a package, with its URL and its size in bytes
// if the lock has them.
type lockedFile struct {
	name, sum, url string
	size           int64
}

// lockFile is the part of a uv.lock or a poetry.lock that is read.
type lockFile struct {
	RequiresPython string          `toml:"requires-python"`
	Packages       []lockedPackage `toml:"package"`
}

// lockedPackage is a package of such a lock. uv names its files by URL or path, and poetry
// by name. Dependencies are read from uv.lock only.
type lockedPackage struct {
	Name, Version string
	Source        any
	Wheels        []lockedArtifact
	Sdist         lockedArtifact
	Files         []lockedArtifact
	Dependencies  any
	Optional      map[string]any `toml:"optional-dependencies"`
	Groups        map[string]any `toml:"dev-dependencies"`
	Metadata      struct {
		RequiresDist []lockedRequirement            `toml:"requires-dist"`
		RequiresDev  map[string][]lockedRequirement `toml:"requires-dev"`
	}
}

type lockedArtifact struct {
	URL, Path, Filename, File, Hash string
	Size                            int64
}

func parseLockFile(text []byte) (lockFile, error) {
	var l lockFile
	err := unmarshal(text, &l)
	return l, err
}

// local returns the directory of a package that is the repository's own code, which no
// index has. ok is false for other packages.
func (p lockedPackage) local() (dir string, ok bool) {
	from, _ := p.Source.(map[string]any)
	for _, kind := range []string{"virtual", "editable"} {
		if dir, ok := from[kind].(string); ok {
			return dir, true
		}
	}
	return "", false
}

// files returns the names and hashes of a package's files.
func (p lockedPackage) files() []lockedFile {
	all := append(append([]lockedArtifact{}, p.Wheels...), p.Files...)
	if p.Sdist != (lockedArtifact{}) {
		all = append(all, p.Sdist)
	}
	var files []lockedFile
	for _, a := range all {
		files = append(files, lockedFile{a.name(), strings.TrimPrefix(a.Hash, "sha256:"), a.URL, a.Size})
	}
	return files
}

func (a lockedArtifact) name() string {
	switch {
	case a.File != "":
		return a.File
	case a.Filename != "":
		return a.Filename
	case a.Path != "":
		return path.Base(strings.ReplaceAll(a.Path, `\`, "/"))
	}
	return urlFile(a.URL)
}

// urlFile returns the name of the file in a URL.
func urlFile(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return fileName(address)
	}
	return path.Base(parsed.Path)
}

// addFiles sets the files of requirements to those that the lock names.
func (l lockFile) addFiles(requirements []requirement) {
	files := map[string][]lockedFile{}
	for _, p := range l.Packages {
		key := normalName(p.Name) + "==" + p.Version
		files[key] = append(files[key], p.files()...)
	}
	for n := range requirements {
		r := &requirements[n]
		r.files = files[r.String()]
	}
}

// entries returns the tables of an array of a lock. Other elements are skipped.
func entries(list any) []map[string]any {
	array, _ := list.([]any)
	var tables []map[string]any
	for _, item := range array {
		if table, ok := item.(map[string]any); ok {
			tables = append(tables, table)
		}
	}
	return tables
}
