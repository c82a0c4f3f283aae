package transfer

import (
	"context"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/storage"
)

// Upload uploads an object, and goes on with an upload of the same content that an earlier process began. cacheDir
// keeps where uploads are, as in Options.
func Upload(ctx context.Context, client *storage.Client, cacheDir string, u storage.Upload) (*storage.Object, error) {
	j := &job{Options: Options{Client: client, CacheDir: cacheDir}}
	return j.send(ctx, u)
}

// send uploads an object, and goes on where it was, unless another process does that at the same time.
func (j *job) send(ctx context.Context, u storage.Upload) (*storage.Object, error) {
	session := j.sessionPath(&u)
	if u.Size <= storage.MaxSingle {
		return j.Client.Upload(ctx, u)
	}
	release, alone := lockSession(session + ".lock")
	if !alone {
		return j.Client.Upload(ctx, u)
	}
	defer release()
	if text, err := kept(session); err == nil {
		u.Session = string(text)
	}
	u.Began = func(at string) { _ = keep(session, []byte(at)) } // without it, another process begins again
	object, err := j.Client.Upload(ctx, u)
	if err == nil || storage.Is(err, 400) || storage.Is(err, 412) { // otherwise the next attempt goes on there
		_ = os.Remove(session)
	}
	return object, err
}

// lockSession locks a file until release is called. It reports false if another process or goroutine has locked
// it, or if it cannot be locked.
func lockSession(path string) (release func(), alone bool) {
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return nil, false
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false
	}
	free, err := lockFile(file)
	mine, statErr := file.Stat()
	now, goneErr := os.Stat(path)
	if err != nil || !free || statErr != nil || goneErr != nil || !os.SameFile(mine, now) {
		_ = file.Close()
		return nil, false
	}
	return func() {
		_ = os.Remove(path) // before it is free, so that nobody locks a file that is gone; it may stay
		_ = file.Close()
	}, true
}
