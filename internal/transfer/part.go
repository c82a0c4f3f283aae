package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxSession is how long Cloud Storage keeps an upload that is not complete. See
// cloud.google.com/storage/docs/resumable-uploads.
const maxSession = 7 * 24 * time.Hour

// part returns the name of the file that has the content of an object until it is complete. Another
// generation of the object has another one.
func (j *job) part(name string) string {
	from := fmt.Sprint(j.From.key(), "\x00", name)
	if object := j.from[name].object; object != nil {
		from = fmt.Sprint(object.Address(), "\x00", object.Generation)
	}
	id := sha256.Sum256([]byte(from))
	return path.Join(path.Dir(j.target(name)), partPrefix+hex.EncodeToString(id[:8]))
}

// OpenPart opens the file that has a content until it is complete, and creates it with a mode if it is not there. It is
// locked until it is closed. OpenPart returns nil if another process or goroutine has locked it. What is no regular file
// was put there by somebody else, and is removed: a link would have another file written, and a pipe never ends.
func OpenPart(root *os.Root, part string, mode fs.FileMode) (*os.File, error) {
	for {
		if info, err := root.Lstat(part); err == nil && !info.Mode().IsRegular() {
			if err := unlessMissing(root.Remove(part)); err != nil {
				return nil, err
			}
		}
		file, err := root.OpenFile(part, os.O_CREATE|os.O_RDWR|syscall.O_NONBLOCK, mode)
		if err != nil {
			return nil, err
		}
		free, err := lockFile(file)
		if err != nil || !free {
			return nil, errors.Join(err, file.Close())
		}
		mine, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		now, err := root.Lstat(part)
		if err == nil && mine.Mode().IsRegular() && os.SameFile(now, mine) {
			return file, nil
		}
		if err := errors.Join(file.Close(), unlessMissing(err)); err != nil {
			return nil, err
		} // another one has completed or replaced it between the opening and the lock
	}
}

// openListed opens a file that was listed as a regular one. The error is a *ChangedError if it is none any more.
func openListed(root *os.Root, name string) (*os.File, error) {
	file, err := source.Open(root, name)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*source.IrregularError)) {
		return nil, &ChangedError{name}
	}
	return file, err
}

func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// clean removes what earlier syncs left and none goes on with: parts of other contents, and uploads that
// Cloud Storage has forgotten.
func (j *job) clean(ctx context.Context, changes []Change) error {
	if j.To.ByShell() && len(changes) > 0 {
		if err := unlessMissing(cleanShell(ctx, j.To)); err != nil {
			return err
		}
	}
	wanted := map[string]bool{}
	for _, c := range changes {
		if !c.Delete && !j.To.Remote() {
			wanted[j.part(c.Name)] = true
		}
	}
	for _, part := range j.parts {
		if wanted[part] {
			continue
		}
		if err := j.removePart(part); err != nil {
			return err
		}
	}
	for _, session := range j.sessions() {
		path := filepath.Join(j.CacheDir, session)
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > maxSession {
			_ = os.Remove(path) // it is only a cache
		}
	}
	return nil
}

// removePart removes a part, unless another sync is writing it.
func (j *job) removePart(part string) error {
	if info, err := j.toRoot.Lstat(part); err == nil && !info.Mode().IsRegular() {
		return unlessMissing(j.toRoot.Remove(part))
	}
	file, err := j.toRoot.OpenFile(part, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	free, err := lockFile(file)
	if err != nil || !free {
		return err
	}
	return unlessMissing(j.toRoot.Remove(part))
}
