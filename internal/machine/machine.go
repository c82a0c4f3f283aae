// Package machine is what slipway keeps of this user on this machine, outside of
// every work tree: what is in a work tree may have come with it. It is a secret, by
// which slipway knows what it wrote itself, and a place for programs.
package machine

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// secretSize is how many bytes the secret has, and secretFile its file's name.
const (
	secretSize = 32
	secretFile = "machine.key"
)

// Cache gives a directory for what can be made again of one work tree, below the
// user's directory of caches.
func Cache(root, what string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(root))
	return Shared(filepath.Join(what, hex.EncodeToString(sum[:8])))
}

// Shared gives a directory for programs that do not belong to one work tree, below the
// user's directory of caches.
func Shared(what string) (string, error) {
	dir, err := home(os.UserCacheDir)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, what)
	return dir, os.MkdirAll(dir, 0o700)
}

// Code gives a proof that this user on this machine said text of a subject, which
// Proves checks.
func Code(subject string, text []byte) (string, error) {
	key, err := secret()
	if err != nil {
		return "", fmt.Errorf("read this machine's secret: %w", err)
	}
	code := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(code, "slipway\x00%d\x00%s\x00", len(subject), subject)
	_, _ = code.Write(text)
	return hex.EncodeToString(code.Sum(nil)), nil
}

// Proves reports whether code is the one that Code gives.
func Proves(code, subject string, text []byte) (bool, error) {
	want, err := Code(subject, text)
	return err == nil && hmac.Equal([]byte(code), []byte(want)), err
}

// secret reads the secret, and makes it at the first time.
func secret() ([]byte, error) {
	dir, err := home(os.UserConfigDir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, secretFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := write(dir, path, os.Link); err != nil {
			return nil, err
		}
		key, err = os.ReadFile(path)
	}
	if err == nil && len(key) != secretSize {
		err = fmt.Errorf("%s is damaged: remove it, and slipway makes another one", path)
	}
	return key, err
}

// write makes a secret. Of several that do it at once the first one wins, and all see
// its secret, whole, or none.
func write(dir, path string, link func(from, to string) error) error {
	file, err := os.CreateTemp(dir, ".part-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // it never fails
	_, err = file.Write(key)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	err = link(file.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// A file system without links. To rename would replace the secret of who was faster.
	lock := flock.New(path + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(file.Name(), path)
}

// home gives slipway's directory below one of the user's. An account without a home
// that it can write, as in some containers, has one below the temporary directory.
func home(of func() (string, error)) (string, error) {
	if base, err := of(); err == nil && filepath.IsAbs(base) {
		dir := filepath.Join(base, "slipway")
		if os.MkdirAll(dir, 0o700) == nil && Own(dir) == nil && writable(dir) {
			return dir, nil
		}
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("slipway-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", &HomelessError{err}
	}
	return dir, Own(dir)
}

// HomelessError is a user who has no directory outside of the work tree that slipway
// can write.
type HomelessError struct{ Err error }

// Error says what to do.
func (e *HomelessError) Error() string {
	return fmt.Sprintf("neither the home nor the temporary directory can be written (%v): set HOME or TMPDIR to a directory that can be", e.Err)
}

// Unwrap gives the reason.
func (e *HomelessError) Unwrap() error { return e.Err }

// OwnError is a directory that is not this user's own.
type OwnError struct{ Path, Why string }

// Error says what it is instead, and what to do.
func (e *OwnError) Error() string {
	return fmt.Sprintf("%s %s: slipway keeps nothing there; remove it (only the link, if it is one)", e.Path, e.Why)
}

// Own refuses what is no directory of this user's own: a link, a file, or another
// user's. Where there is nothing there is nothing to refuse.
func Own(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return &OwnError{path, "is a symbolic link"}
	case info.Mode().Type() != fs.ModeDir:
		return &OwnError{path, "is no directory"}
	}
	if why := foreign(info); why != "" {
		return &OwnError{path, why}
	}
	return nil
}
