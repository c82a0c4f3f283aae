package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

// BuildError reports that a Go program cannot be built.
type BuildError struct {
	// Package is the directory of the Go package.
	Package string
	// Output is the output of the go command. The compiler's lines begin with the file,
	// relative to the repository's root, the line and the column.
	Output string
	// Err is the error that the go command ended with.
	Err error
}

// Error returns the compiler's output.
func (e *BuildError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("go build %s failed: %v", e.Package, e.Err)
	}
	return fmt.Sprintf("go build %s failed:\n%s", e.Package, strings.TrimRight(e.Output, "\n"))
}

// Unwrap returns the error that the go command ended with.
func (e *BuildError) Unwrap() error { return e.Err }

// programContent describes the layer of a program.
const programContent = "program"

// compile builds a Go package for the spec's platform and returns its layer.
//
// The binary is static and contains no paths of this machine, no time and no commit. It
// keeps its build ID, a hash of its inputs that is the same on any machine. From the build
// ID the go command sees that the binary of the last build is up to date and need not be
// linked again. A lock keeps other builds from writing the binary until it has been linked
// to a name of its own.
func compile(ctx context.Context, s Spec) (*content, error) {
	if info, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(s.Main))); err != nil || !info.IsDir() {
		return nil, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the directory %s of the Go package does not exist", s.Name, s.Main),
			Hint: "name the directory of a Go program by its path from the repository's root", Err: err}
	}
	key := sha256.Sum256([]byte(s.Main + "\x00" + s.platform.String()))
	dir := filepath.Join(cacheDir(s.Dir), "go", hex.EncodeToString(key[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the cache directory: %w", err)
	}
	if err := checkCacheDir(s.Dir, dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()

	e, err := currentProgram(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	if err := keepProgram(dir, &e); err != nil {
		return nil, fmt.Errorf("keep the program: %w", err)
	}
	e.name = s.program()
	return newContent(programContent, dir, []entry{e}), nil
}

// checkCacheDir returns an error if a directory of the cache, down to dir, is a link, because
// the cache would then be written somewhere else.
func checkCacheDir(root, dir string) error {
	top := state.Dir(root)
	for ; len(dir) >= len(top); dir = filepath.Dir(dir) {
		if err := machine.CheckOwner(dir); err != nil {
			return err
		}
	}
	return nil
}
