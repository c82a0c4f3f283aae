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
	var env struct{ GOENV, GOWORK, GOMODCACHE, GOROOT string }
	text, err := goCommand(ctx, s, tool, "env", "-json", "GOENV", "GOWORK", "GOMODCACHE", "GOROOT").Output()
	if err == nil {
		err = json.Unmarshal(text, &env)
	}
	if err != nil {
		return goSources{}, err
	}
	version, err := goVersionFile(tool)
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

// digest returns a digest of the sources, and of the environment in which the go command
// builds them.
func (g goSources) digest(ctx context.Context, s Spec, tool string) (string, error) {
	if len(g.Packages) == 0 {
		return "", errors.New("the sources are not known")
	}
	version, err := goVersionFile(tool)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	environ := goCommand(ctx, s, tool).Env
	slices.Sort(environ)
	fmt.Fprintf(h, "%q %q %q\n", s.Main, version, environ)
	for _, path := range g.Files {
		if err := hashFile(ctx, h, path); err != nil {
			return "", err
		}
	}
	for _, dir := range g.Packages {
		if err := hashPackage(ctx, h, dir); err != nil {
			return "", err
		}
		for _, pattern := range g.Embedded[dir] {
			if err := hashEmbedded(ctx, h, dir, strings.TrimPrefix(pattern, "all:")); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashPackage adds a package's directory to a hash: the names of all files, and the content
// of those that the go command may read.
func hashPackage(ctx context.Context, h hash.Hash, dir string) error {
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
			if err := hashFile(ctx, h, filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hashEmbedded adds the files that match a pattern to a hash, and all files in the
// directories that match it.
func hashEmbedded(ctx context.Context, h hash.Hash, dir, pattern string) error {
	tree := os.DirFS(dir)
	found, err := fs.Glob(tree, pattern)
	if err != nil {
		return err
	}
	for _, name := range found {
		err := fs.WalkDir(tree, name, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return hashFile(ctx, h, filepath.Join(dir, filepath.FromSlash(path)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hashFile adds a file's path and content to a hash, or that it is not a file that can be
// read.
func hashFile(ctx context.Context, h hash.Hash, path string) error {
	file, err := source.Open(nil, path)
	if err != nil {
		fmt.Fprintf(h, "%q is missing\n", path)
		return ctx.Err()
	}
	defer file.Close()
	content := sha256.New()
	if _, err := io.Copy(content, &contextReader{ctx, file}); err != nil {
		return err
	}
	fmt.Fprintf(h, "%q %x\n", path, content.Sum(nil))
	return nil
}
