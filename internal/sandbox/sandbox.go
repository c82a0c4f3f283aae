// Package sandbox is the platform on one machine: a registry, a cluster and a Polyaxon
// server that runs what is submitted. One background process per repository serves them
// on loopback. The first command that needs it starts it, others join it, and it ends
// when it has been idle for some time.
//
// Its parts speak the real protocols (packages registry, kubernetes, polyaxon), so
// slipway's clients need no special case for it.
package sandbox

import (
	"context"
	"crypto/rand"
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
	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Namespace is the namespace of runs and their secrets.
const Namespace = "polyaxon-v1"

// ErrNotRunning reports that no sandbox runs for a directory.
var ErrNotRunning = errors.New("the sandbox is not running")

// The files of a sandbox's directory.
const (
	lockFile     = "lock"          // held while it runs
	startFile    = "start.lock"    // held by the command that starts it
	endpointFile = "endpoint.json" // its address
	portsFile    = "ports.json"    // its ports, to use them again
	logFile      = "sandbox.log"
	// authorityFile holds the authority of the cluster's certificates, with its key.
	authorityFile = "authority.pem"
)

// Sandbox is a running sandbox.
type Sandbox struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Version is the version of the program that serves it.
	Version string `json:"version"`
	// Release is the release of Polyaxon that it is.
	Release string `json:"release"`
	// Registry, Kubernetes and Polyaxon are URLs of the form http://127.0.0.1:PORT, or
	// https for Kubernetes.
	Registry   string `json:"registry"`
	Kubernetes string `json:"kubernetes"`
	Polyaxon   string `json:"polyaxon"`
	// Authority is the certificate, in PEM, of the authority that issues the certificate of
	// Kubernetes.
	Authority string `json:"authority"`
	// Namespace is the namespace of runs and their secrets.
	Namespace string `json:"namespace"`
	// Isolation says why jobs run without isolation. It is "" if they are isolated.
	Isolation string `json:"isolation"`
	// Platform is the platform that images must be built for, such as linux/amd64.
	Platform string `json:"platform"`
	// Proves reports whether its answers have a code by which it is known. Those of earlier versions
	// have none.
	Proves bool `json:"proves"`
	// ActiveRuns is the number of runs that have not ended.
	ActiveRuns int `json:"active_runs"`
	// Token authenticates requests to Polyaxon and to the sandbox itself, RegistryToken
	// those to the registry, and KubernetesToken those to the cluster. They are new at
	// each start, and no container has one of them.
	Token           secret.Value `json:"-"`
	RegistryToken   secret.Value `json:"-"`
	KubernetesToken secret.Value `json:"-"`

	// dir is its directory.
	dir string
}

// Connections returns the names of the connections that runs on a sandbox may use.
func Connections() []string { return polyaxon.Connections() }

// VolumeDir returns the directory of the persistent volume of the sandbox in dir. Containers
// can write there.
func VolumeDir(dir string) string { return polyaxon.VolumeDir(dir) }

// MakeVolume is VolumeDir, and creates the directory if no run has used it yet.
func (s *Sandbox) MakeVolume() (string, error) {
	dir := VolumeDir(s.dir)
	return dir, disk.Mkdir(dir)
}

// Releases returns the releases of Polyaxon that a sandbox can be, oldest first.
func Releases() []string { return polyaxon.Releases() }

// Is reports whether the sandbox is a release of Polyaxon. "" means the newest.
func (s *Sandbox) Is(release string) bool { return s.Release == releaseOf(release) }

// releaseOf returns the wanted release, or the newest if it is empty.
func releaseOf(wanted string) string {
	if wanted == "" {
		return Releases()[len(Releases())-1]
	}
	return wanted
}

// Running returns the running sandbox for dir. If there is none the error is
// ErrNotRunning. It is a *ForeignError if the directory was not made on this machine.
func Running(ctx context.Context, dir string) (*Sandbox, error) {
	e, err := readEndpoint(dir)
	if err != nil {
		return nil, err
	}
	if !served(dir) {
		return nil, ErrNotRunning
	}
	running := &e.Sandbox
	if running.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := running.ask(ctx, http.MethodGet, "/_slipway/status", 2*time.Second, running); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrNotRunning
	}
	if running.Release == "" { // served by a slipway that had only this release
		running.Release = "2.18"
	}
	return running, nil
}

// served reports whether a process holds the lock of a sandbox in dir. If none does, the
// endpoint file is stale: it is from a sandbox that was killed, and its ports may belong
// to another user now, who must not get the token or any later request.
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

// Stop stops the sandbox and its runs. It waits until the sandbox has ended, at most 15
// s.
func (s *Sandbox) Stop(ctx context.Context) error {
	if err := s.ask(ctx, http.MethodPost, "/_slipway/stop", 5*time.Second, nil); err != nil {
		return fmt.Errorf("ask process %d to stop: %w", s.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for s.ask(ctx, http.MethodGet, "/_slipway/status", time.Second, nil) == nil {
		if err := clock.Sleep(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("process %d does not exit: %w", s.PID, err)
		}
	}
	return nil
}

// ServiceAddress returns the URL of a service that runs on the sandbox.
func (s *Sandbox) ServiceAddress(ctx context.Context, uuid string) (string, error) {
	var answer struct {
		Address string `json:"address"`
	}
	if err := s.ask(ctx, http.MethodGet, "/_slipway/services/"+uuid, 2*time.Second, &answer); err != nil {
		return "", err
	}
	return answer.Address, nil
}

// Reset stops the sandbox of dir and deletes everything in dir but its lock. It does not
// follow links.
func Reset(ctx context.Context, dir string) error {
	running, err := Running(ctx, dir)
	switch {
	case err == nil:
		if err := running.Stop(ctx); err != nil {
			return err
		}
	case errors.As(err, new(*ForeignError)): // deleting its state is what Reset is for
	case !errors.Is(err, ErrNotRunning):
		return err
	}
	// The lock is free once the sandbox has closed its last file.
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
		if entry.Name() != lockFile { // Windows does not delete open files
			errs = append(errs, remove(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// errAnotherServer reports that another program answers at the sandbox's port.
var errAnotherServer = errors.New("another program answers at the port of the sandbox")

// ask sends a request to the sandbox's own endpoints. It believes only an answer that proves to
// come from the sandbox: the port of one that was killed may belong to another user now.
func (s *Sandbox) ask(ctx context.Context, method, path string, limit time.Duration, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.Polyaxon+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Token "+string(s.Token.Reveal()))
	nonce := rand.Text()
	request.Header.Set(nonceHeader, nonce)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if s.Proves {
		if proved, err := machine.VerifyMAC(response.Header.Get(proofHeader), proofSubject(s.dir), []byte(nonce)); err != nil || !proved {
			return errors.Join(err, errAnotherServer)
		}
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox responded with %s", response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(into)
}

// DiskUse returns the total size in bytes of the files below dir.
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
