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

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
)

// epoch is the time that every file of a context has, to the second. It lies after
// 1980, before which Python cannot pack a file into a wheel.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tree is a context of a build: what of a source tree may go to BuildKit, with
// owners, modes and times that are the same in every clone. All access goes through
// root, out of which no link leads.
type tree struct {
	root *os.Root
	// git lets .git in.
	git bool
	// left, when not nil, is told the keys and credentials that are left out.
	left func(at string)
	// keys remembers, by path, which files hold private keys: BuildKit walks the
	// tree several times in a build.
	mu   sync.Mutex
	keys map[string]bool
}

// gitsOwn are the names of what no build needs of .git, and of the submodules and work
// trees in it: hooks are programs, and CI leaves credentials in each configuration.
var gitsOwn = []string{"config", "config.worktree", "credentials", "hooks", "logs", "FETCH_HEAD"}

// isGitsOwn tells what of .git is left out. A branch may have any name.
func isGitsOwn(at string) bool {
	below, ok := strings.CutPrefix(at, ".git/")
	top, _, _ := strings.Cut(below, "/")
	return ok && top != "refs" && top != "objects" && slices.Contains(gitsOwn, path.Base(at))
}

func newTree(root *os.Root) *tree { return &tree{root: root, keys: map[string]bool{}} }

// Walk gives the files below target, and leaves out what never goes into an image.
// A file's hard links are files of their own: whether two equal files are one is
// nothing that a clone keeps.
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
		case t.git && at == ".git" && d.IsDir(): // its files follow
		case t.git && isGitsOwn(at):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case image.Excluded(d.Name()) && d.IsDir():
			return fs.SkipDir
		case image.Excluded(d.Name()):
			t.leave(at, d.Name())
			return nil
		case d.Type()&(fs.ModeSocket|fs.ModeDevice|fs.ModeNamedPipe|fs.ModeIrregular) != 0:
			return nil // docker build leaves sockets out as well; a pipe would never end
		case d.Type().IsRegular() && t.holdsKey(filepath.FromSlash(at)):
			t.leave(at, "")
			return nil
		}
		stat, err := t.stat(at, d)
		if err != nil {
			return visit(filepath.FromSlash(at), nil, err)
		}
		return visit(filepath.FromSlash(at), &fsutil.DirEntryInfo{Stat: stat}, nil)
	})
}

// leave tells of a file that is left out, unless its name is that of a tool's own.
func (t *tree) leave(at, name string) {
	if t.left != nil && (name == "" || image.HoldsCredentials(name)) {
		t.left(at)
	}
}

// stat is what BuildKit learns of a file. It takes a file for unchanged when all
// of it is, so that the file's real time has to be in it: in the nanoseconds, which
// layers do not have.
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
	case info.Mode()&0o111 != 0, runtime.GOOS == "windows": // where programs cannot be told; docker build does the same
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

// holdsKey tells whether a file holds a private key. Files that .dockerignore leaves
// out are looked at too: BuildKit applies its rules to what it is given here.
func (t *tree) holdsKey(name string) bool {
	t.mu.Lock()
	held, known := t.keys[name]
	t.mu.Unlock()
	if !known {
		held = image.PrivateKey(t.root, name)
		t.mu.Lock()
		t.keys[name] = held
		t.mu.Unlock()
	}
	return held
}

// Open opens a file that Walk gave.
func (t *tree) Open(name string) (io.ReadCloser, error) {
	return t.root.Open(filepath.FromSlash(path.Clean("/" + filepath.ToSlash(name))[1:]))
}

// guarded are a build's files, of which a fault ends the build: fsutil reads them in
// goroutines of its own.
type guarded struct {
	fsutil.FS
	build context.Context
}

// Walk walks the files.
func (g guarded) Walk(ctx context.Context, target string, visit fs.WalkDirFunc) (err error) {
	defer panics.Keep(g.build, &err, "the build's context")
	return g.FS.Walk(ctx, target, visit)
}

// Open opens one of them.
func (g guarded) Open(name string) (file io.ReadCloser, err error) {
	defer panics.Keep(g.build, &err, name)
	return g.FS.Open(name)
}
