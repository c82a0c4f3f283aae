package dockerfile

import (
	"context"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/slipway-ci/slipway/internal/exclusion"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// epoch is the modification time of all files in a context, in whole seconds. It is after
// 1980, because Python cannot pack an older file into a wheel.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tree is the context of a build: the files of a source tree that may be sent to BuildKit,
// with owners, modes and times that are equal in every clone. All access goes through root,
// so that links cannot lead outside of it.
type tree struct {
	root *os.Root
	// git reports whether .git is included.
	git bool
	// hidden are files that are left out.
	hidden []string
	// onExcluded, if not nil, is called with the path of each key or credentials file that is
	// left out.
	onExcluded func(at string)
	// keys caches by path which files contain private keys, because BuildKit walks the tree
	// several times in a build.
	mu   sync.Mutex
	keys map[string]bool
}

// unneededGitFiles are the names of files in .git, and in the submodules and worktrees in
// it, that no build needs. Hooks are programs, and CI stores credentials in configuration
// files.
var unneededGitFiles = []string{"config", "config.worktree", "credentials", "hooks", "logs", "FETCH_HEAD"}

// isUnneededGitFile reports whether a file of .git is left out. Branches may have any name.
func isUnneededGitFile(at string) bool {
	below, ok := strings.CutPrefix(at, ".git/")
	top, _, _ := strings.Cut(below, "/")
	return ok && top != "refs" && top != "objects" && slices.Contains(unneededGitFiles, path.Base(at))
}

func newTree(root *os.Root) *tree { return &tree{root: root, keys: map[string]bool{}} }

// Walk visits the files below target, except those that never go into an image. Hard links
// are visited as separate files, because a clone does not preserve them.
func (t *tree) Walk(ctx context.Context, target string, visit fs.WalkDirFunc) error {
	target = path.Clean("/" + filepath.ToSlash(target))[1:]
	if target == "" {
		target = "."
	}
	return fs.WalkDir(t.root.FS(), target, func(at string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return visit(filepath.FromSlash(at), nil, err)
		case at == ".":
			return nil
		case t.git && at == ".git" && d.IsDir(): // the files in it are visited
		case t.git && isUnneededGitFile(at):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case exclusion.Excluded(d.Name()) && d.IsDir():
			return fs.SkipDir
		case exclusion.Excluded(d.Name()):
			t.reportExcluded(at, d.Name())
			return nil
		case slices.Contains(t.hidden, at):
			t.reportExcluded(at, "")
			return nil
		case d.Type()&(fs.ModeSocket|fs.ModeDevice|fs.ModeNamedPipe|fs.ModeIrregular) != 0:
			return nil // docker build leaves out sockets too, and a pipe would block
		case d.Type().IsRegular() && t.holdsKey(filepath.FromSlash(at)):
			t.reportExcluded(at, "")
			return nil
		}
		stat, err := t.stat(at, d)
		if err != nil {
			return visit(filepath.FromSlash(at), nil, err)
		}
		return visit(filepath.FromSlash(at), &fsutil.DirEntryInfo{Stat: stat}, nil)
	})
}

// reportExcluded reports a file that is left out if its name or content indicates credentials.
func (t *tree) reportExcluded(at, name string) {
	if t.onExcluded != nil && (name == "" || exclusion.HoldsCredentials(name)) {
		t.onExcluded(at)
	}
}

// stat returns the metadata that BuildKit gets for a file. BuildKit takes a file as
// unchanged if its metadata is equal, so the real modification time must be part of it. It
// is hashed into the nanoseconds, which layers do not have.
func (t *tree) stat(at string, d fs.DirEntry) (*types.Stat, error) {
	info, err := d.Info()
	if err != nil {
		return nil, err
	}
	stat := &types.Stat{Path: filepath.FromSlash(at), ModTime: epoch.UnixNano()}
	switch {
	case info.IsDir():
		stat.Mode = uint32(fs.ModeDir | 0o755)
		return stat, nil
	case info.Mode()&fs.ModeSymlink != 0:
		stat.Mode = uint32(fs.ModeSymlink | 0o777)
		target, err := t.root.Readlink(filepath.FromSlash(at))
		stat.Linkname = filepath.ToSlash(target)
		return stat, err
	case info.Mode()&0o111 != 0, runtime.GOOS == "windows": // Windows has no executable bit; docker build sets it as well
		stat.Mode = 0o755
	default:
		stat.Mode = 0o644
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(info.ModTime().UTC().Format(time.RFC3339Nano)))
	stat.ModTime += int64(h.Sum64() % uint64(time.Second))
	stat.Size = info.Size()
	return stat, nil
}

// holdsKey reports whether a file contains a private key. It also checks files that
// .dockerignore excludes, because BuildKit applies these rules later.
func (t *tree) holdsKey(name string) bool {
	t.mu.Lock()
	held, known := t.keys[name]
	t.mu.Unlock()
	if !known {
		held = exclusion.PrivateKey(t.root, name)
		t.mu.Lock()
		t.keys[name] = held
		t.mu.Unlock()
	}
	return held
}

// Open opens a file that Walk visited, if it is still a regular one.
func (t *tree) Open(name string) (io.ReadCloser, error) {
	return source.Open(t.root, filepath.FromSlash(path.Clean("/" + filepath.ToSlash(name))[1:]))
}

// guarded is the context of a build. A panic in its methods ends the build, since fsutil
// calls them in its own goroutines.
type guarded struct {
	fsutil.FS
	build context.Context
}

// Walk walks the files below target.
func (g guarded) Walk(ctx context.Context, target string, visit fs.WalkDirFunc) (err error) {
	defer panics.Keep(g.build, &err, "the build's context")
	return g.FS.Walk(ctx, target, visit)
}

// Open opens a file.
func (g guarded) Open(name string) (file io.ReadCloser, err error) {
	defer panics.Keep(g.build, &err, name)
	return g.FS.Open(name)
}
