package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
)

// lockLimit is how long Merge waits for another program that writes a file.
const lockLimit = 10 * time.Second

// lockable returns the paths that may be written: those of files that exist and are writable, or the
// last path if no file exists. KUBECONFIG may also name files of the system, and directories that are
// not there.
func lockable(paths []string) []string {
	var all []string
	none := true
	for _, path := range paths {
		info, err := os.Stat(path)
		if none = none && errors.Is(err, fs.ErrNotExist); err == nil && !isWritable(path, info) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		all = append(all, path)
	}
	if none {
		return paths[len(paths)-1:]
	}
	return all
}

// isWritable reports whether this user may write a file.
func isWritable(path string, info fs.FileInfo) bool {
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o200 == 0 {
		return false
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	return file.Close() == nil
}

// lockAll takes kubectl's lock of each file: a file beside it whose name ends in .lock,
// which exists while somebody writes. It returns a function that releases them.
func lockAll(ctx context.Context, paths []string) (unlock func(), err error) {
	var held []string
	unlock = func() {
		for _, path := range held {
			_ = os.Remove(path)
		}
	}
	for _, path := range slices.Sorted(slices.Values(paths)) {
		if err := lock(ctx, path+".lock"); err != nil {
			unlock()
			return nil, err
		}
		held = append(held, path+".lock")
	}
	return unlock, nil
}

func lock(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("lock the kubeconfig: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("lock the kubeconfig: %w", err)
		}
		if clock.Sleep(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("another program writes the kubeconfig: if none is running, delete %s", path)
		}
	}
}
