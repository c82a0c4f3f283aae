package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/source"
)

// goSources are the files that determine a Go program, apart from the standard library and
// the module cache. What is in those is determined by the version of Go, go.mod and go.sum.
// All paths are absolute.
type goSources struct {
	// Packages are the directories of the packages.
	Packages []string
	// Embedded are the patterns of the files that the packages embed. The key is the
	// directory of a package.
	Embedded map[string][]string `json:",omitempty"`
	// Files are files that configure a build, such as go.mod. Some may not exist: the build
	// would be another one if they did.
	Files []string
}

// errGoUnknown reports that a go command may be a program that chooses between versions of
// Go, such as asdf's or mise's.
var errGoUnknown = errors.New("the version of the go command is unknown")

// listGoSources asks the go command for the sources of the spec's program.
func listGoSources(ctx context.Context, s Spec, tool string) (goSources, error) {
	version, err := goVersionFile(tool)
	if err != nil {
		return goSources{}, err
	}
	var env struct{ GOENV, GOWORK, GOMODCACHE, GOROOT string }
	text, err := goCommand(ctx, s, tool, "env", "-json", "GOENV", "GOWORK", "GOMODCACHE", "GOROOT").Output()
	if err == nil {
		err = json.Unmarshal(text, &env)
	}
	if err != nil {
		return goSources{}, err
	}
	g := goSources{Embedded: map[string][]string{}, Files: []string{version, filepath.Join(env.GOROOT, "VERSION"), env.GOENV}}
	if filepath.IsAbs(env.GOWORK) { // it is "off" if workspaces are
		g.Files = append(g.Files, env.GOWORK, env.GOWORK+".sum")
	}
	g.addUp(s.Dir, "", "go.mod", "go.work")

	if text, err = goCommand(ctx, s, tool, "list", "-deps", "-json=Dir,Standard,EmbedPatterns,Module", s.goPackage()).Output(); err != nil {
		return goSources{}, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			Dir           string
			Standard      bool
			EmbedPatterns []string
			Module        *struct{ Dir, GoMod string }
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return goSources{}, err
		}
		if p.Standard || strings.HasPrefix(p.Dir, env.GOMODCACHE+string(filepath.Separator)) {
			continue
		}
		g.Packages = append(g.Packages, p.Dir)
		if len(p.EmbedPatterns) > 0 {
			g.Embedded[p.Dir] = p.EmbedPatterns
		}
		if m := p.Module; m != nil {
			g.Files = append(g.Files, m.GoMod, filepath.Join(m.Dir, "go.sum"), filepath.Join(m.Dir, "vendor", "modules.txt"))
			g.addUp(p.Dir, m.Dir, "go.mod")
		}
	}
	slices.Sort(g.Packages)
	slices.Sort(g.Files)
	g.Files = slices.Compact(g.Files)
	return g, nil
}

// addUp adds the files with these names in dir and in the directories above it, up to top.
func (g *goSources) addUp(dir, top string, names ...string) {
	for {
		for _, name := range names {
			g.Files = append(g.Files, filepath.Join(dir, name))
		}
		parent := filepath.Dir(dir)
		if dir == top || parent == dir {
			return
		}
		dir = parent
	}
}

// goVersionFile returns the file that has the version of the go command. The error is
// errGoUnknown if the command does not belong to an installation of Go.
func goVersionFile(tool string) (string, error) {
	tool, err := filepath.EvalSymlinks(tool)
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(filepath.Dir(tool)), "VERSION")
	if _, err := os.Stat(file); err != nil {
		return "", errGoUnknown
	}
	return file, nil
}

// digest returns a digest of the sources and of the environment in which the go command
// builds them, and when one of them changed last.
func (g goSources) digest(ctx context.Context, s Spec, tool string) (string, time.Time, error) {
	if len(g.Packages) == 0 {
		return "", time.Time{}, errors.New("the sources are not known")
	}
	version, err := goVersionFile(tool)
	if err != nil {
		return "", time.Time{}, err
	}
	environ := goCommand(ctx, s, tool).Env
	slices.Sort(environ)
	h := &sourceHash{Hash: sha256.New(), ctx: ctx}
	fmt.Fprintf(h, "%q %q %q\n", s.Main, version, environ)
	for _, path := range g.Files {
		if err := h.addFile(path); err != nil {
			return "", time.Time{}, err
		}
	}
	for _, dir := range g.Packages {
		if err := h.addPackage(dir); err != nil {
			return "", time.Time{}, err
		}
		for _, pattern := range g.Embedded[dir] {
			if err := h.addEmbedded(dir, strings.TrimPrefix(pattern, "all:")); err != nil {
				return "", time.Time{}, err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)), h.changed, nil
}

// sourceHash hashes source files.
type sourceHash struct {
	hash.Hash
	ctx     context.Context //nolint:containedctx // lives as long as one call
	changed time.Time       // the latest change of a file or directory
}

// addPackage adds a package's directory: the names of all files, and the content of those
// that the go command may read.
func (h *sourceHash) addPackage(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		h.addTimes(info)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		name := file.Name()
		fmt.Fprintf(h, "%q\n", name)
		// The go command assembles these, includes them and links them. It does not run a C
		// compiler, because cgo is off.
		switch filepath.Ext(name) {
		case ".go", ".s", ".S", ".sx", ".h", ".hh", ".hpp", ".hxx", ".syso":
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			if err := h.addFile(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addEmbedded adds the files that match a pattern, and all files in the directories that
// match it.
func (h *sourceHash) addEmbedded(dir, pattern string) error {
	tree := os.DirFS(dir)
	found, err := fs.Glob(tree, pattern)
	if err != nil {
		return err
	}
	for _, name := range found {
		err := fs.WalkDir(tree, name, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() {
				return h.addFile(filepath.Join(dir, filepath.FromSlash(path)))
			}
			if info, err := d.Info(); err == nil {
				h.addTimes(info)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addFile adds a file's path and content, or that it is not a file that can be read.
func (h *sourceHash) addFile(path string) error {
	file, err := source.Open(nil, path)
	if err != nil {
		fmt.Fprintf(h, "%q is missing\n", path)
		return h.ctx.Err()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	h.addTimes(info)
	content := sha256.New()
	if _, err := io.Copy(content, contextio.NewReader(h.ctx, file)); err != nil {
		return err
	}
	fmt.Fprintf(h, "%q %x\n", path, content.Sum(nil))
	return nil
}

// addTimes notes when a file or directory changed.
func (h *sourceHash) addTimes(info fs.FileInfo) {
	s := stampOf(info)
	if changed := time.Unix(0, max(s.modified, s.changed)); changed.After(h.changed) {
		h.changed = changed
	}
}
