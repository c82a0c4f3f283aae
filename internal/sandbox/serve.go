package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/sandbox/authority"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/secret"
)

// ServeOptions configure a sandbox to serve.
type ServeOptions struct {
	// Dir is the sandbox's directory.
	Dir string
	// Idle is how long the sandbox keeps running without runs and requests. A request that is
	// open, such as a watch, counts until it ends.
	Idle time.Duration
	// Log gets the sandbox's errors.
	Log io.Writer
	// Self is the command that starts this program so that it calls Serve. Containers are
	// started with it.
	Self []string
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
	// Version is the version of this program.
	Version string
	// Release is the release of Polyaxon to serve, one of Releases. Empty means the
	// newest.
	Release string
}

// Serve serves a sandbox until ctx is done, it is asked to stop, or it has been idle for
// o.Idle. It returns an error if a sandbox for the same directory is already running.
//
// If Join started this process, Join says which directory and release it serves.
//
// If Lookup says that this process is to be a container's first process, Serve becomes
// that container. It then returns only if that fails, with a *ContainerError.
func Serve(ctx context.Context, o ServeOptions) error {
	if container.IsInit(o.Lookup) {
		return &ContainerError{container.Init()}
	}
	o = o.ordered()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	if err := markOwned(dir); err != nil {
		return err
	}
	lock, err := hold(ctx, filepath.Join(dir, lockFile), 2*time.Second)
	if err != nil {
		return fmt.Errorf("a sandbox is already running in %s: %w", dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	s := &server{options: o, dir: dir, stop: make(chan struct{})}
	if s.lock, err = os.Lstat(lock.Path()); err != nil {
		return err
	}
	s.touch()
	return s.serve(ctx)
}

// ContainerError reports that a container could not start. The process that started it
// already knows. The caller must not print it, because it would be in the container's
// output.
type ContainerError struct{ Err error }

// Error returns the reason.
func (e *ContainerError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *ContainerError) Unwrap() error { return e.Err }

// server is a sandbox in the process that serves it.
type server struct {
	options  ServeOptions
	dir      string
	lock     fs.FileInfo
	platform *platform
	state    Sandbox
	last     atomic.Int64 // time of the end of the last request, in Unix nanoseconds
	open     atomic.Int64 // number of requests that have not ended, such as a watch
	stopOnce sync.Once
	stop     chan struct{}
}

func (s *server) touch() { s.last.Store(time.Now().UnixNano()) }

func (s *server) serve(ctx context.Context) error {
	listeners, err := listen(filepath.Join(s.dir, portsFile))
	if err != nil {
		return err
	}
	authority, err := authority.Open(filepath.Join(s.dir, authorityFile), nil)
	if err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	s.state = Sandbox{
		PID: os.Getpid(), Started: time.Now().UTC(), Version: s.options.Version, Release: releaseOf(s.options.Release), Namespace: Namespace,
		Registry: "http://" + address(listeners[0]), Kubernetes: "https://" + address(listeners[1]), Polyaxon: "http://" + address(listeners[2]),
		Authority: string(authority.PEM()), Proves: true,
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Token: newToken(), RegistryToken: newToken(), KubernetesToken: newToken(),
	}
	if s.platform, err = openPlatform(ctx, s); err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	handlers := []http.Handler{
		s.guard(s.platform.registry, bearer(s.state.RegistryToken), refuse),
		s.guard(s.platform.kubernetes, bearer(s.state.KubernetesToken), kubernetes.Refuse),
		s.control(s.platform.polyaxon, s.platform.storage),
	}
	listeners[1] = tls.NewListener(listeners[1], authority.TLS())
	group, serving := panics.WithContext(ctx)
	var servers []*http.Server
	for i, listener := range listeners {
		one := &http.Server{Handler: panics.Handler(handlers[i], s.options.Log), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return serving }}
		servers = append(servers, one)
		group.Go(func() error {
			if err := one.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	published := s.publish()
	group.Go(func() error {
		if published == nil {
			s.await(serving)
		}
		return s.shutdown(servers)
	})
	return errors.Join(published, group.Wait())
}

// ownsDir reports whether the directory is still the one that this sandbox started in. If it
// was deleted, another sandbox may have a new directory of the same name, in which this
// one must not write or remove anything.
func (s *server) ownsDir() bool {
	now, err := os.Lstat(filepath.Join(s.dir, lockFile))
	return err == nil && os.SameFile(now, s.lock)
}

// end makes the sandbox end.
func (s *server) end() { s.stopOnce.Do(func() { close(s.stop) }) }

// newToken returns a random token.
func newToken() secret.Value {
	token := make([]byte, 32)
	_, _ = rand.Read(token) // never fails
	return secret.NewValue([]byte(hex.EncodeToString(token)))
}

// await returns when the sandbox should end.
func (s *server) await(ctx context.Context) {
	for {
		busy := s.open.Load() > 0 || s.platform.polyaxon.Active() > 0 // before the time: see guard
		idle := time.Since(time.Unix(0, s.last.Load()))
		if busy {
			idle = 0
		}
		left := s.options.Idle - idle
		if _, err := os.Lstat(filepath.Join(s.dir, endpointFile)); left <= 0 || errors.Is(err, fs.ErrNotExist) || !s.ownsDir() {
			return // it is idle, or its directory was deleted
		}
		timer := time.NewTimer(min(left, 2*time.Second))
		select {
		case <-ctx.Done():
		case <-s.stop:
		case <-timer.C:
			continue
		}
		timer.Stop()
		return
	}
}

// shutdown stops the runs and then the servers.
func (s *server) shutdown(servers []*http.Server) error {
	var err error
	if s.ownsDir() {
		err = disk.Remove(filepath.Join(s.dir, endpointFile))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(err, s.platform.polyaxon.Close(ctx))
	for _, one := range servers {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		if one.Shutdown(soon) != nil {
			err = errors.Join(err, one.Close())
		}
		cancel()
	}
	return err
}

// listen opens three loopback ports. It uses the ports of the last time if they are free,
// so that image references stay valid.
func listen(path string) ([]net.Listener, error) {
	var before [3]int
	if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &before) != nil {
		before = [3]int{}
	}
	var listeners []net.Listener
	var now [3]int
	for i, port := range before {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			listener, err = net.Listen("tcp", "127.0.0.1:0") // in use by another process now
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen on loopback: %w", err), closeAll(listeners))
		}
		listeners = append(listeners, listener)
		now[i] = listener.Addr().(*net.TCPAddr).Port
	}
	if now == before {
		return listeners, nil
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = disk.Write(path, text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(listeners))
	}
	return listeners, nil
}

func address(l net.Listener) string { return l.Addr().String() }

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
