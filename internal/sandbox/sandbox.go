// Package sandbox is the platform on one machine: a registry, a cluster and a
// Polyaxon server that really runs what it is given. One background process per
// repository serves them on loopback; the first command that needs it starts it,
// others join it, and it ends by itself when nobody needs it.
//
// Its parts speak the real protocols (packages registry, kubernetes, polyaxon),
// so slipway's clients know no difference.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Namespace is where runs and their secrets are.
const Namespace = "polyaxon-v1"

// ErrNotRunning says that no sandbox runs for a directory.
var ErrNotRunning = errors.New("the sandbox is not running")

// The files of a sandbox's directory.
const (
	lockFile     = "lock"          // held while it runs
	startFile    = "start.lock"    // held by the command that starts it
	endpointFile = "endpoint.json" // where it is
	portsFile    = "ports.json"    // where it was
	logFile      = "sandbox.log"
)

// Sandbox is one that runs.
type Sandbox struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Version is that of the program that serves it.
	Version string `json:"version"`
	// Release is that of Polyaxon which it is.
	Release string `json:"release"`
	// Registry, Kubernetes and Polyaxon are http://127.0.0.1:PORT.
	Registry   string `json:"registry"`
	Kubernetes string `json:"kubernetes"`
	Polyaxon   string `json:"polyaxon"`
	// Namespace is where runs and their secrets are.
	Namespace string `json:"namespace"`
	// Isolation says why jobs run without isolation, "" when they are isolated.
	Isolation string `json:"isolation"`
	// Platform is what images are built for, such as linux/amd64.
	Platform string `json:"platform"`
	// ActiveRuns counts the runs that have not ended.
	ActiveRuns int `json:"active_runs"`
	// Token is demanded by Polyaxon and for the sandbox itself, the others by the
	// registry and the cluster. They are new at each start, and no container has one.
	Token           secret.Value `json:"-"`
	RegistryToken   secret.Value `json:"-"`
	KubernetesToken secret.Value `json:"-"`
}

// Connections gives the names of the connections that runs on a sandbox may name.
func Connections() []string { return polyaxon.Connections() }

// Releases returns the releases of Polyaxon that a sandbox can be, oldest first.
func Releases() []string { return polyaxon.Releases() }

// Is reports whether the sandbox is a release of Polyaxon; the newest when it is empty.
func (s *Sandbox) Is(release string) bool { return s.Release == releaseOf(release) }

// releaseOf gives what a sandbox is of which a release is wanted: the newest when it
// is empty.
func releaseOf(wanted string) string {
	if wanted == "" {
		return Releases()[len(Releases())-1]
	}
	return wanted
}

// Running gives the sandbox that runs for dir; ErrNotRunning when none does.
func Running(ctx context.Context, dir string) (*Sandbox, error) {
	e, err := readEndpoint(dir)
	if err != nil {
		return nil, err
	}
	if !served(dir) {
		return nil, ErrNotRunning
	}
	running := &e.Sandbox
	if err := running.ask(ctx, http.MethodGet, "/_slipway/status", 2*time.Second, running); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrNotRunning
	}
	if running.Release == "" { // a slipway that knew no other serves it
		running.Release = "2.18"
	}
	return running, nil
}

// served reports whether a process holds the lock of a sandbox in dir. Where none does,
// the endpoint is left of one that was killed, and its ports may be another user's now:
// the token is not for them, nor what would follow it.
func served(dir string) bool {
	path := filepath.Join(dir, lockFile)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	lock := flock.New(path)
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return err == nil && !free
}

// Stop stops the sandbox and the runs on it, and waits until it has ended, 15 s
// at most.
func (s *Sandbox) Stop(ctx context.Context) error {
	if err := s.ask(ctx, http.MethodPost, "/_slipway/stop", 5*time.Second, nil); err != nil {
		return fmt.Errorf("ask process %d to stop: %w", s.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for s.ask(ctx, http.MethodGet, "/_slipway/status", time.Second, nil) == nil {
		if err := clock.Wait(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("process %d does not end: %w", s.PID, err)
		}
	}
	return nil
}

// ServiceAddress gives where a service of the sandbox answers.
func (s *Sandbox) ServiceAddress(ctx context.Context, uuid string) (string, error) {
	var answer struct {
		Address string `json:"address"`
	}
	if err := s.ask(ctx, http.MethodGet, "/_slipway/services/"+uuid, 2*time.Second, &answer); err != nil {
		return "", err
	}
	return answer.Address, nil
}

// Reset stops the sandbox of dir and deletes all that it holds. No link is followed.
func Reset(ctx context.Context, dir string) error {
	running, err := Running(ctx, dir)
	switch {
	case err == nil:
		if err := running.Stop(ctx); err != nil {
			return err
		}
	case errors.As(err, new(*ForeignError)): // what is asked for is that it goes away
	case !errors.Is(err, ErrNotRunning):
		return err
	}
	// The lock says when its last file is closed.
	lock, err := hold(ctx, filepath.Join(dir, lockFile), 10*time.Second)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for the sandbox to end: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if entry.Name() != lockFile { // Windows does not delete what is open
			errs = append(errs, remove(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// ask sends a request to the sandbox's own endpoints.
func (s *Sandbox) ask(ctx context.Context, method, path string, limit time.Duration, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.Polyaxon+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Token "+string(s.Token.Reveal()))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // past any proxy
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answers %s", response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(into)
}

// DiskUse gives how many bytes the files below dir have.
func DiskUse(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what vanishes meanwhile uses nothing
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
