package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/storage"
)

// sessionPrefix begins the names of the files that keep where uploads go on.
const sessionPrefix = "upload-"

// Upload uploads an object, and goes on with an upload of the same content that an earlier process began. cacheDir
// keeps where uploads are, as in Options.
func Upload(ctx context.Context, client *storage.Client, cacheDir string, u storage.Upload) (*storage.Object, error) {
	j := &job{Options: Options{Client: client, CacheDir: cacheDir}}
	return j.send(ctx, u)
}

// send uploads an object, and goes on where it was, unless another process does that at the same time.
func (j *job) send(ctx context.Context, u storage.Upload) (*storage.Object, error) {
	object, session := j.sessionName(&u)
	j.abandon(ctx, object, session)
	if u.Size <= storage.MaxSingle {
		return j.Client.Upload(ctx, u)
	}
	path := filepath.Join(j.CacheDir, session)
	release, alone := lockSession(path + ".lock")
	if !alone {
		return j.Client.Upload(ctx, u)
	}
	defer release()
	if text, err := kept(path); err == nil {
		u.Session = string(text)
	}
	u.Began = func(at string) { _ = keep(path, []byte(at)) } // without it, another process begins again
	done, err := j.Client.Upload(ctx, u)
	if err == nil || storage.Is(err, 400) || storage.Is(err, 412) { // otherwise the next attempt goes on there
		_ = os.Remove(path)
	}
	return done, err
}

// sessionName returns the name of the file that keeps where the upload of a content goes on, and the beginning
// of that name, which all uploads to the same object have.
func (j *job) sessionName(u *storage.Upload) (object, session string) {
	at := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", u.Bucket, u.Name, j.Client.Address))
	content := sha256.Sum256(fmt.Appendf(nil, "%d\x00%d\x00%d", u.Generation, u.Size, u.CRC32C))
	object = sessionPrefix + hex.EncodeToString(at[:8]) + "-"
	return object, object + hex.EncodeToString(content[:8])
}

// sessions returns the names of the files that kept where uploads go on when the job began.
func (j *job) sessions() []string {
	j.readSessions.Do(func() {
		entries, err := os.ReadDir(j.CacheDir)
		if err != nil {
			return // most probably it is not there yet
		}
		for _, entry := range entries {
			if name := entry.Name(); strings.HasPrefix(name, sessionPrefix) && !strings.HasSuffix(name, ".lock") {
				j.began = append(j.began, name)
			}
		}
	})
	return j.began
}

// abandon ends the uploads of other contents to an object that earlier processes began and that no process
// goes on with. Where the service does not end them, it forgets them after maxSession.
func (j *job) abandon(ctx context.Context, object, session string) {
	for _, other := range j.sessions() {
		if other == session || !strings.HasPrefix(other, object) {
			continue
		}
		path := filepath.Join(j.CacheDir, other)
		release, alone := lockSession(path + ".lock")
		if !alone {
			continue
		}
		if text, err := kept(path); err == nil {
			_ = j.Client.Abandon(ctx, string(text))
		}
		if ctx.Err() == nil {
			_ = os.Remove(path)
		}
		release()
	}
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
