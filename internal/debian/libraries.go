package debian

import (
	"bytes"
	"cmp"
	"debug/elf"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

const (
	// loaderConf says in which directories ldconfig looks for libraries: ldconfig(8).
	loaderConf = "/etc/ld.so.conf"
	// maxLibrary limits the size of a library whose name is read, in bytes. Others are left out.
	maxLibrary = 64 << 20
)

// loaderDirs are the directories that ldconfig looks into after those of its configuration.
var loaderDirs = []string{"/lib", "/usr/lib"}

// libraryFile matches the files that ldconfig looks into.
var libraryFile = lazyregexp.New(`/(?:lib|ld-)[^/]*\.so[^/]*$`)

// isLoaderConf reports whether a file is part of ldconfig's configuration.
func isLoaderConf(name string) bool {
	return name == loaderConf || path.Dir(name) == loaderConf+".d" && path.Ext(name) == ".conf"
}

// library notes the name by which programs are linked with a library, if a file is one for the machine.
// A library that is too large to be read has no name of its own: the names of its file and of the
// links to it count.
func (w *layerWriter) library(at string, content []byte) {
	if len(content) == 0 {
		w.libraries[at] = ""
		return
	}
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil || f.Type != elf.ET_DYN || f.Machine != machines[w.base.architecture] {
		return
	}
	names, err := f.DynString(elf.DT_SONAME)
	if err != nil || len(names) > 0 && strings.ContainsAny(names[0], "/\x00") {
		return
	}
	w.libraries[at] = path.Base(at)
	if len(names) > 0 {
		w.libraries[at] = names[0]
	}
}

// machines are the machines of Debian's architectures whose cache can be written.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// loaderCache writes the cache of the loader anew with the libraries of the packages, as ldconfig
// does. Without it the loader finds most libraries, but not those in directories of its own
// configuration, and ctypes.util.find_library finds none.
func (w *layerWriter) loaderCache() error {
	flags := loaderFlags[w.base.architecture]
	if flags == 0 || len(w.libraries) == 0 {
		return nil
	}
	dirs := w.loaderDirs()
	firsts := map[string]string{} // directories as the configuration has them first, by their real paths
	for _, dir := range slices.Backward(dirs) {
		firsts[w.base.fs.Real(dir)] = dir
	}
	var all []library
	if text, ok := w.base.fs.File(loaderCacheFile); ok {
		all, _ = readLoaderCache(text) // what nobody can read is written anew
	}
	add := func(dir, name string) {
		if dir, ok := firsts[dir]; ok && name != "" {
			all = append(all, library{name, path.Join(dir, name), flags})
		}
	}
	also := func(at, name string) { // ldconfig lists what compilers look for, too: liba.so for liba.so.1
		if base := path.Base(at); name == "" || path.Ext(base) == ".so" && strings.HasPrefix(name, base) {
			add(path.Dir(at), base)
		}
	}
	for at, name := range w.libraries {
		add(path.Dir(at), name)
		also(at, name)
	}
	for at, target := range w.links {
		if name, ok := w.libraries[path.Join(path.Dir(at), target)]; ok && libraryFile.MatchString(at) {
			also(at, name)
		}
	}
	slices.SortFunc(all, func(a, b library) int {
		return cmp.Or(place(dirs, path.Dir(a.path))-place(dirs, path.Dir(b.path)), strings.Compare(a.path, b.path), strings.Compare(a.name, b.name))
	})
	all = slices.Compact(all)
	return w.missingFile(loaderCacheFile, 0o644, writeLoaderCache(all))
}

// place returns the index of a directory, or the number of directories if it is not among them.
func place(dirs []string, dir string) int {
	if n := slices.Index(dirs, dir); n >= 0 {
		return n
	}
	return len(dirs)
}

// loaderDirs returns the directories that ldconfig would look into, in order.
func (w *layerWriter) loaderDirs() []string {
	texts := map[string][]byte{}
	for _, name := range append(w.base.fs.Files(loaderConf+".d"), loaderConf) {
		if text, ok := w.base.fs.File(name); ok {
			texts[name] = text
		}
	}
	for name, text := range w.kept {
		texts[name] = text
	}
	var dirs []string
	var read func(text []byte, depth int)
	read = func(text []byte, depth int) {
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(line)
			switch {
			case len(words) == 0:
			case words[0] != "include":
				dirs = append(dirs, path.Clean(words[0]))
			case depth == 0 && len(words) == 2:
				for _, name := range slices.Sorted(maps.Keys(texts)) {
					if ok, _ := path.Match(path.Join("/etc", strings.TrimPrefix(words[1], "/etc/")), name); ok && isLoaderConf(name) {
						read(texts[name], depth+1)
					}
				}
			}
		}
	}
	read(texts[loaderConf], 0)
	return append(dirs, loaderDirs...)
}
