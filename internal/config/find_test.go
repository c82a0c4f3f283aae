package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// A slipway.yaml that another user left above the directory is not used outside of a
// repository.
func TestFindOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS == "windows" {
		t.Skip("only root can give files to another user")
	}
	top := t.TempDir()
	dir := filepath.Join(top, "a", "b")
	path := filepath.Join(top, FileName)
	err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Find(dir); err != nil || found != path {
		t.Errorf("this user's: %s, %v", found, err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err = Find(dir)
	if !errors.As(err, new(*source.Error)) || errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), path+": belongs to another user (12345)") {
		t.Errorf("another user's, above the directory: %v", err)
	}
	if found, err := Find(top); err != nil || found != path {
		t.Errorf("another user's, in the directory: %s, %v", found, err)
	}
	git := filepath.Join(top, ".git")
	if err := errors.Join(os.Mkdir(git, 0o755), os.WriteFile(filepath.Join(git, "HEAD"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if found, err := Find(dir); err != nil || found != path {
		t.Errorf("another user's, in the repository: %s, %v", found, err)
	}
}

// What is missing is said with what to do: init, or a new name for a slipway.yml.
func TestFindNothing(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "src")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(filepath.Join(top, ".git"), 0o755)); err != nil {
		t.Fatal(err)
	}
	wants := func(hint string) {
		t.Helper()
		_, err := Find(dir)
		missing := new(source.Error)
		if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(missing.Hint, hint) {
			t.Errorf("%v, want the hint %q", err, hint)
		}
	}
	wants("slipway init writes one")
	misnamed := filepath.Join(top, "slipway.yml")
	if err := os.WriteFile(misnamed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wants("rename " + misnamed + " to slipway.yaml")
}
