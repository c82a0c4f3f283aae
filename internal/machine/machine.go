// Package machine keeps what belongs to this user on this machine: a secret, by which
// slipway recognizes what it wrote itself, and directories for caches and programs. All
// of it is outside of the working trees, since the files of a working tree may have come
// with it.
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

// secretSize is the size of the secret in bytes, and secretFile the name of its file.
const (
	secretSize = 32
	secretFile = "machine.key"
)

// Cache returns the directory for the caches named what of the working tree at root,
// below the user's cache directory. It creates the directory if needed.
func Cache(root, what string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(root))
	return Shared(filepath.Join(what, hex.EncodeToString(sum[:8])))
}

// Shared returns the directory named what below the user's cache directory, for programs
// that do not belong to one working tree. It creates the directory if needed.
func Shared(what string) (string, error) {
	dir, err := home(os.UserCacheDir)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, what)
	return dir, os.MkdirAll(dir, 0o700)
}

// MAC returns an authentication code (HMAC-SHA256, in hex) of subject and text, made
// with this machine's secret. VerifyMAC checks it.
func MAC(subject string, text []byte) (string, error) {
	key, err := secret()
	if err != nil {
		return "", fmt.Errorf("read this machine's secret: %w", err)
	}
	code := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(code, "slipway\x00%d\x00%s\x00", len(subject), subject)
	_, _ = code.Write(text)
	return hex.EncodeToString(code.Sum(nil)), nil
}

// VerifyMAC reports whether code is what MAC returns for subject and text on this machine.
func VerifyMAC(code, subject string, text []byte) (bool, error) {
	want, err := MAC(subject, text)
	return err == nil && hmac.Equal([]byte(code), []byte(want)), err
}

// secret reads the secret. It makes one if there is none.
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
		err = fmt.Errorf("%s is damaged: remove it, and slipway creates a new one", path)
	}
	if err == nil {
		err = checkSecret(dir, path)
	}
	return key, err
}

// checkSecret returns an error unless the secret at path is a file that only this user can read. Another
// one is no secret: a HOME in a working tree may have got it with the sources.
func checkSecret(dir, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &OwnerError{path, "is not a regular file"}
	}
	if why := whyNotOwned(info); why != "" {
		return &OwnerError{path, why}
	}
	if info.Mode().Perm()&0o077 != 0 && keepsModes(dir) {
		return &OwnerError{path, "can be read by others than this user"}
	}
	return nil
}

// keepsModes reports whether the file system of a directory keeps the permissions of files.
func keepsModes(dir string) bool {
	file, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return true
	}
	defer func() { _ = os.Remove(file.Name()) }()
	info, err := file.Stat()
	return errors.Join(err, file.Close()) != nil || info.Mode().Perm()&0o077 == 0
}

// write makes a secret and writes it to path. When several processes do so at once, the
// first one wins. None ever sees a part of a secret.
func write(dir, path string, link func(from, to string) error) error {
	file, err := os.CreateTemp(dir, ".part-*") // only its owner can read it
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // never fails
	_, err = file.Write(key)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	err = link(file.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// The file system has no hard links. A rename would replace the secret of a faster
	// process, so take a lock and look first.
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

// home returns slipway's directory below the one that of returns. When the user cannot
// write there, as in some containers, it is a directory of this user below the temporary
// directory.
func home(of func() (string, error)) (string, error) {
	if base, err := of(); err == nil && filepath.IsAbs(base) {
		dir := filepath.Join(base, "slipway")
		if os.MkdirAll(dir, 0o700) == nil && CheckOwner(dir) == nil && writable(dir) {
			return dir, nil
		}
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("slipway-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", &NoHomeError{err}
	}
	return dir, CheckOwner(dir)
}

// NoHomeError reports that this user has no writable directory outside of the working
// tree.
type NoHomeError struct{ Err error }

// Error implements error. It says what to do.
func (e *NoHomeError) Error() string {
	return fmt.Sprintf("neither the home directory nor the temporary directory is writable (%v): set HOME or TMPDIR to a writable directory", e.Err)
}

// Unwrap returns the reason.
func (e *NoHomeError) Unwrap() error { return e.Err }

// OwnerError reports that Path is not a directory of this user. Why is the rest of a
// sentence that begins with the path.
type OwnerError struct{ Path, Why string }

// Error implements error. It says what is at the path, and what to do.
func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s %s: slipway does not store files there; remove it (only the link, if it is one)", e.Path, e.Why)
}

// NotOwned returns why the file at path does not belong to this user, as the rest of a
// sentence, or "" if it does or if that is not known. A symbolic link is a file, too.
func NotOwned(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	return whyNotOwned(info)
}

// Foreign returns why the file at path belongs neither to this user nor to root, as the rest of a
// sentence, or "" if it belongs to one of them or if that is not known. A symbolic link is a file,
// too.
func Foreign(path string) string {
	info, err := os.Lstat(path)
	if err != nil || isRoots(info) {
		return ""
	}
	return whyNotOwned(info)
}

// CheckOwner returns an *OwnerError if path is a symbolic link, is not a directory, or
// belongs to another user. It returns nil if there is nothing at path.
func CheckOwner(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return &OwnerError{path, "is a symbolic link"}
	case info.Mode().Type() != fs.ModeDir:
		return &OwnerError{path, "is not a directory"}
	}
	if why := whyNotOwned(info); why != "" {
		return &OwnerError{path, why}
	}
	return nil
}
