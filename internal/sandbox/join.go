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
	// startLimit is how long a sandbox may take to answer after it was started. The
	// kernel alone may need many seconds for namespaces while others come and go.
	startLimit = 90 * time.Second
	// maxLog is the size, in bytes, from which the log begins anew.
	maxLog = 1 << 20
)

// Options say which sandbox to join.
type Options struct {
	// Dir is its directory.
	Dir string
	// Self are the arguments that start this program as `sandbox serve`, without
	// those of serve.
	Self []string
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
	// Version is this program's. A sandbox that another version serves is replaced
	// when nothing runs on it.
	Version string
	// Release is that of Polyaxon which the sandbox is to be; the newest when empty. One
	// that is another is replaced when nothing runs on it, or else a *BusyError.
	Release string
}

// BusyError is a sandbox that is another release of Polyaxon than is wanted, and cannot
// be started anew: runs go on.
type BusyError struct {
	Is, Wanted string
	Runs       int
}

// Error says what to do.
func (e *BusyError) Error() string {
	runs, them := fmt.Sprintf("%d runs go", e.Runs), "they have"
	if e.Runs == 1 {
		runs, them = "a run goes", "that has"
	}
	return fmt.Sprintf("the sandbox is Polyaxon %s, and %s on: it becomes %s when %s ended; `slipway sandbox stop` stops it and its runs", e.Is, runs, e.Wanted, them)
}

// Join gives the sandbox that runs for o.Dir, and starts it, in the background and
// without a parent, when none does. Of many that join at once one starts it.
func Join(ctx context.Context, o Options) (*Sandbox, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if running, err := o.usable(ctx, dir); running != nil || err != nil {
		return running, err
	}
	if err := claim(dir); err != nil {
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

// usable gives the sandbox that runs, nil when one has to be started. One that an
// older build serves, or that is another Polyaxon, is asked to end, unless it is at
// work.
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

// start runs the sandbox and waits until it answers.
func (o Options) start(ctx context.Context, dir string) (*Sandbox, error) {
	log, err := openLog(filepath.Join(dir, logFile))
	if err != nil {
		return nil, disk.Explain(dir, err)
	}
	defer log.Close()
	offset, err := log.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	command := exec.Command(o.Self[0], append(append([]string{}, o.Self[1:]...), o.arguments(dir)...)...) //nolint:gosec,noctx // it outlives this command on purpose
	command.Dir = dir
	command.Env = environment(o.Lookup)
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
			return nil, fmt.Errorf("it ended at once (%w); the end of %s says:\n%s", orDone(err), log.Name(), tailOf(log.Name(), offset))
		case <-ctx.Done():
			return nil, fmt.Errorf("it does not answer; the end of %s says:\n%s", log.Name(), tailOf(log.Name(), offset))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func orDone(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}

// arguments tells `sandbox serve` its directory and its release, as flags of the binary
// or of a magefile's target.
func (o Options) arguments(dir string) []string {
	given, release := []string{"--state", dir}, "--polyaxon"
	if strings.Contains(o.Self[len(o.Self)-1], ":") {
		given, release = []string{"-dir=" + dir}, "-polyaxon"
	}
	if o.Release != "" {
		given = append(given, release+"="+o.Release)
	}
	return given
}

// environment is what the sandbox gets of its starter's: it outlives the command
// and runs jobs, and has no business with the user's secrets.
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

// tailOf gives the last lines that were written to a log since offset.
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

// hold takes a lock, waiting for limit at most.
func hold(ctx context.Context, path string, limit time.Duration) (*flock.Flock, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil { // a link or a pipe is nobody's lock
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(path)
	if ok, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil || !ok {
		return nil, errors.Join(err, errors.New("another process holds "+path))
	}
	return lock, nil
}

// remove deletes a tree of which some directories may forbid it.
func remove(path string) error { return container.Remove(path) }
