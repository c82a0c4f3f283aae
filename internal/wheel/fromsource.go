package wheel

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// buildEnvironment returns additional environment variables for a build. SOURCE_DATE_EPOCH
// is 1980-01-01, the earliest time that a zip can store. The compilers are disabled, so
// that packages whose extensions are optional, as in many, leave them out and are pure.
func buildEnvironment() []string {
	return []string{"SOURCE_DATE_EPOCH=315532800", "CC=false", "CXX=false", "LDSHARED=false"}
}

// checkWheels returns errors for all requirements for which the lock names files but no
// wheel for the target. It runs before anything is downloaded.
func (s Spec) checkWheels(t target, needed []requirement) error {
	var wrong []error
	for _, r := range needed {
		if len(r.files) == 0 {
			continue // a lock that has hashes only
		}
		var wheels []string
		there := false
		archive := ""
		for _, f := range r.files {
			if n, ok := parseFilename(f.name); ok {
				wheels = append(wheels, f.name)
				there = there || t.accepts(n)
			} else {
				archive = f.name
			}
		}
		switch {
		case there:
		case len(wheels) > 0:
			wrong = append(wrong, &source.Error{Position: r.at, Message: fmt.Sprintf("%s has no wheel for %s; it has %s", r, t, abbreviate(wheels)),
				Hint: t.forOthers(wheels) + "; put a wheel of it into python.wheels; or build the image with a Dockerfile"})
		default:
			wrong = append(wrong, &source.Error{Position: r.at, Message: fmt.Sprintf("%s has no wheel for %s, only the source distribution %s", r, t, archive), Hint: onlySource})
		}
	}
	return errors.Join(wrong...)
}

// origins groups requirements by where their wheels come from.
type origins struct {
	// index is downloaded, source is built, and given are files of the repository.
	index, source []requirement
	local         []wheel
}

// split determines where the wheel of each requirement comes from.
func (s Spec) split(t target, needed []requirement) (origins, error) {
	shelf, err := s.localWheels()
	if err != nil {
		return origins{}, err
	}
	var names []string
	for _, r := range needed {
		names = append(names, r.name)
	}
	for _, name := range s.FromSource {
		if slices.Contains(names, normalName(name)) {
			continue
		}
		hint := ""
		if near, ok := source.Nearest(name, names); ok {
			hint = "did you mean " + near + "?"
		}
		return origins{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: build-from-source names %s, which is not in %s", s.Name, name, s.Lock), Hint: hint}
	}
	var p origins
	for _, r := range needed {
		if w, ok := shelf.wheel(t, r); ok {
			p.local = append(p.local, w)
		} else if slices.Contains(normalNames(s.FromSource), r.name) {
			p.source = append(p.source, r)
		} else {
			p.index = append(p.index, r)
		}
	}
	return p, nil
}

// localWheels is the list of wheels in a directory of the repository.
type localWheels []wheel

// localWheels reads the directory of wheels. It is trusted like the rest of the repository.
func (s Spec) localWheels() (localWheels, error) {
	if s.Wheels == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	refuse := func(err error, format string, args ...any) error {
		return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: ", s.Name) + fmt.Sprintf(format, args...), Hint: "python.wheels is a directory of the repository that has wheels", Err: err}
	}
	files, err := fs.ReadDir(root.FS(), path.Clean(s.Wheels))
	if err != nil {
		return nil, refuse(err, "the directory %s cannot be read: %v", s.Wheels, err)
	}
	var all localWheels
	for _, f := range files {
		n, ok := parseFilename(f.Name())
		if !ok {
			continue
		}
		name := path.Join(s.Wheels, f.Name())
		text, err := source.Open(root, filepath.FromSlash(name))
		if err != nil {
			return nil, refuse(err, "the wheel %s cannot be read: %v", name, err)
		}
		h := sha256.New()
		size, err := io.Copy(h, text)
		if err := errors.Join(err, text.Close()); err != nil {
			return nil, refuse(err, "the wheel %s cannot be read: %v", name, err)
		}
		sum := hex.EncodeToString(h.Sum(nil))
		all = append(all, wheel{requirement: requirement{name: n.name, version: n.version}, path: filepath.Join(s.Dir, filepath.FromSlash(name)), file: f.Name(), sum: sum, size: size})
	}
	if len(all) == 0 {
		return nil, refuse(nil, "no wheel found in %s", s.Wheels)
	}
	return all, nil
}

// wheel returns the wheel of a requirement that fits the target best.
func (l localWheels) wheel(t target, r requirement) (wheel, bool) {
	var fit []wheel
	for _, w := range l {
		if n, ok := parseFilename(w.file); ok && w.name == r.name && sameVersion(w.version, r.version) && t.accepts(n) {
			w.requirement = r
			fit = append(fit, w)
		}
	}
	if len(fit) == 0 {
		return wheel{}, false
	}
	return slices.MinFunc(fit, func(a, b wheel) int {
		return cmp.Or(cmp.Compare(t.rank(a.file), t.rank(b.file)), strings.Compare(a.file, b.file))
	}), true
}

// build builds the wheels of requirements from their source distributions with pip, each in
// its own environment. Earlier results are reused. The wheels must be pure, because this
// machine differs from the image.
func (s Spec) build(ctx context.Context, t target, needed []requirement, from *lockContent) ([]wheel, error) {
	wheels := make([]wheel, len(needed))
	var d *download
	for n, r := range needed {
		kept := s.builtDir(r)
		if w, ok := built(ctx, kept, r); ok {
			wheels[n] = w
			continue
		}
		var err error
		if d == nil {
			if d, err = s.downloader(ctx, t, from); err != nil {
				return nil, err
			}
		}
		if wheels[n], err = d.buildOne(ctx, r, kept); err != nil {
			return nil, err
		}
	}
	return wheels, nil
}

func (d *download) buildOne(ctx context.Context, r requirement, kept string) (wheel, error) {
	dir, err := os.MkdirTemp(filepath.Join(d.store.dir, "partial"), "")
	if err != nil {
		return wheel{}, fmt.Errorf("create the download directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, to := filepath.Join(dir, "requirements.txt"), filepath.Join(dir, "wheels")
	if err := d.write(file, []requirement{r}); err != nil {
		return wheel{}, fmt.Errorf("write the list of packages for pip: %w", err)
	}
	pip := d.pip
	pip.environ = append(slices.Clone(pip.environ), buildEnvironment()...)
	// pip's own cache may contain a wheel that was built with a compiler.
	stdout, stderr, err := pip.run(ctx, "wheel", "--no-deps", "--no-binary="+r.name, "--require-hashes", "--ignore-requires-python", "--no-cache-dir", "--progress-bar=off",
		"--wheel-dir="+to, "--requirement="+file)
	if ctx.Err() != nil {
		return wheel{}, ctx.Err()
	}
	if err != nil {
		if explained := d.explainBuild(r, stdout+"\n"+stderr); explained != nil {
			return wheel{}, explained
		}
		return wheel{}, &source.Error{Position: r.at, Message: fmt.Sprintf("%s cannot be built from source: %s", r, lastLines(stdout+"\n"+stderr)),
			Hint: "only pure Python packages are built here, without a compiler; put a wheel of it into python.wheels, or build the image with a Dockerfile", Err: err}
	}
	files, err := fs.Glob(os.DirFS(to), "*.whl") // not filepath.Glob: the directory's name may contain pattern characters
	if err != nil || len(files) != 1 {
		return wheel{}, source.Errorf(r.at, "pip built no wheel of %s", r)
	}
	name := files[0]
	n, ok := parseFilename(name)
	if !ok || !slices.Contains(n.platforms, "any") || !d.target.accepts(n) {
		return wheel{}, &source.Error{Position: r.at, Message: fmt.Sprintf("%s is not a pure Python package: building it from source made %s, which is for this machine and not for %s", r, name, d.target),
			Hint: "put a wheel of it into python.wheels, or build the image with a Dockerfile"}
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return wheel{}, fmt.Errorf("write a package to the cache: %w", err)
	}
	_ = os.RemoveAll(kept)          // an incomplete one
	if os.Rename(to, kept) != nil { // on another file system
		if err := os.CopyFS(kept, os.DirFS(to)); err != nil {
			return wheel{}, fmt.Errorf("write a package to the cache: %w", err)
		}
	}
	w, ok := built(ctx, kept, r)
	if !ok {
		return wheel{}, fmt.Errorf("the wheel that was built of %s was not found", r)
	}
	return w, nil
}

// explainBuild returns an error if an index or the network failed, and nil if the build
// itself failed. Only pip's output distinguishes them.
func (d *download) explainBuild(r requirement, output string) error {
	if strings.Contains(output, "DO NOT MATCH THE HASHES") {
		return hashNotInLock(r, r.String(), "?")
	}
	if _, reason, hint, ok := refusedBy([]requirement{r}, output); ok {
		return &IndexError{r.at, r.String(), reason, hint}
	}
	return nil
}

// built returns the wheel that was built before.
func built(ctx context.Context, kept string, r requirement) (wheel, bool) {
	files, err := fs.Glob(os.DirFS(kept), "*.whl")
	if err != nil || len(files) != 1 {
		return wheel{}, false
	}
	name := filepath.Join(kept, files[0])
	sum, size, err := hashFile(ctx, name)
	if err != nil {
		return wheel{}, false
	}
	return wheel{requirement: r, path: name, file: files[0], sum: sum, size: size, built: true}, true
}

// builtDir returns the directory in which the wheel built for a requirement is kept. The
// lock has no hash of a built wheel, so it is kept outside of the working tree: otherwise
// anyone who can write to the repository could replace it.
func (s Spec) builtDir(r requirement) string {
	key := sha256.Sum256(fmt.Appendf(nil, "built/%s %s %q", formatVersion, r, slices.Sorted(slices.Values(r.hashes))))
	return filepath.Join(s.userCacheDir(), "slipway", "built", hex.EncodeToString(key[:]))
}

// userCacheDir returns the user's cache directory as os.UserCacheDir finds it, or s.CacheDir if
// the environment names none.
func (s Spec) userCacheDir() string {
	home := variable(s.Environ, "HOME")
	switch {
	case runtime.GOOS == "windows" && variable(s.Environ, "LOCALAPPDATA") != "":
		return variable(s.Environ, "LOCALAPPDATA")
	case runtime.GOOS == "darwin" && home != "":
		return filepath.Join(home, "Library", "Caches")
	case filepath.IsAbs(variable(s.Environ, "XDG_CACHE_HOME")):
		return variable(s.Environ, "XDG_CACHE_HOME")
	case home != "":
		return filepath.Join(home, ".cache")
	}
	return s.CacheDir
}
