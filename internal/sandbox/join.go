package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

const (
	// startLimit is how long a sandbox may take to respond after it was started. The
	// kernel alone may need many seconds for namespaces while others are created and
	// removed.
	startLimit = 90 * time.Second
	// maxLog is the size in bytes above which the log starts over.
	maxLog = 1 << 20
)

// Options say which sandbox to join.
type Options struct {
	// Dir is the sandbox's directory.
	Dir string
	// Self is the command that starts this program so that it calls Serve.
	Self []string
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
	// Version is the version of this program. A sandbox of another version is replaced if
	// nothing runs on it.
	Version string
	// Release is the release of Polyaxon that the sandbox must be. Empty means the
	// newest. A sandbox of another release is replaced if nothing runs on it; otherwise
	// Join returns a *BusyError.
	Release string
}

// BusyError reports that the sandbox is another release of Polyaxon than wanted, and
// cannot be restarted because it has runs.
type BusyError struct {
	Is, Wanted string
	Runs       int
}

// Error says what to do.
func (e *BusyError) Error() string {
	runs, them := fmt.Sprintf("%d active runs", e.Runs), "they have"
	if e.Runs == 1 {
		runs, them = "an active run", "that run has"
	}
	return fmt.Sprintf("the sandbox runs Polyaxon %s and has %s: it can switch to %s when %s ended; `slipway sandbox stop` stops it and its runs", e.Is, runs, e.Wanted, them)
}

// Join returns the running sandbox for o.Dir. If none runs it starts one in the
// background, detached from this process. If many processes join at once, one of them
// starts it. The error is a *BusyError if the sandbox is of another release and has runs, a
// *ForeignError if the directory was not made on this machine, and a *StartedError if this
// process was itself started to serve a sandbox.
func Join(ctx context.Context, o Options) (*Sandbox, error) {
	if Started(o.Lookup) {
		return nil, &StartedError{}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if running, err := o.usable(ctx, dir); running != nil || err != nil {
		return running, err
	}
	if err := markOwned(dir); err != nil {
		return nil, err
	}
	starting, err := hold(ctx, filepath.Join(dir, startFile), startLimit)
	if err != nil {
		return nil, fmt.Errorf("wait for the command that starts it: %w", err)
	}
	defer func() { _ = starting.Unlock() }()
	running, err := o.usable(ctx, dir)
	if running != nil || err != nil {
		return running, err
	}
	return o.start(ctx, dir)
}

// usable returns the running sandbox, or nil if one has to be started. It stops an idle
// sandbox of another version or release.
func (o Options) usable(ctx context.Context, dir string) (*Sandbox, error) {
	running, err := Running(ctx, dir)
	switch {
	case errors.Is(err, ErrNotRunning):
		return nil, nil
	case err != nil:
		return nil, err
	case !running.Is(o.Release) && running.ActiveRuns > 0:
		return nil, &BusyError{Is: running.Release, Wanted: releaseOf(o.Release), Runs: running.ActiveRuns}
	case running.Is(o.Release) && (running.Version == o.Version || running.ActiveRuns > 0):
		return running, nil
	}
	return nil, running.Stop(ctx)
}

// start starts the sandbox and waits until it responds, at most startLimit.
func (o Options) start(ctx context.Context, dir string) (*Sandbox, error) {
	if len(o.Self) == 0 {
		return nil, errors.New("the command that starts it is not known (Env.Self is empty)")
	}
	log, err := openLog(filepath.Join(dir, logFile))
	if err != nil {
		return nil, disk.Explain(dir, err)
	}
	defer log.Close()
	offset, err := log.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	command := exec.Command(o.Self[0], o.Self[1:]...) //nolint:gosec,noctx // it outlives this command on purpose
	command.Dir = dir
	command.Env = append(environment(o.Lookup), orders(dir, o.Release)...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = detached()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("run %s: %w", strings.Join(o.Self, " "), err)
	}
	ended := make(chan error, 1)
	panics.Go(func() { ended <- command.Wait() }, func(err error) { ended <- err })
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		running, err := Running(ctx, dir)
		if err == nil {
			return running, nil
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the sandbox exited at start (%w); last lines of %s:\n%s", waitOrDone(err), log.Name(), tailOf(log.Name(), offset))
		case <-ctx.Done():
			return nil, fmt.Errorf("the sandbox does not respond; last lines of %s:\n%s", log.Name(), tailOf(log.Name(), offset))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func waitOrDone(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}

// environment returns the variables that the sandbox gets. The sandbox outlives the
// command that starts it and runs jobs, so it must not get the user's secrets.
func environment(lookup func(string) (string, bool)) []string {
	var kept []string
	for _, name := range []string{
		"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG",
		"SystemRoot", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "ComSpec", "SSL_CERT_FILE", "SSL_CERT_DIR",
	} {
		if value, ok := lookup(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// tailOf returns the last lines written to a log since offset.
func tailOf(path string, offset int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) < offset {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text[offset:]), []byte("\n"))
	if len(lines) > 10 {
		lines = lines[len(lines)-10:]
	}
	return "  " + string(bytes.Join(lines, []byte("\n  ")))
}

// hold takes a lock. It waits at most for limit, or until ctx is done.
func hold(ctx context.Context, path string, limit time.Duration) (*flock.Flock, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil { // a link or a named pipe is not a lock
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(path)
	if ok, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil || !ok {
		return nil, errors.Join(err, errors.New("lock "+path+" is held by another process"))
	}
	return lock, nil
}

// remove removes a tree, including directories whose permissions forbid that.
func remove(path string) error { return container.Remove(path) }
