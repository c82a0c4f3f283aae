package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// Finder configures where to look for a BuildKit.
type Finder struct {
	// Environ is the environment: BUILDKIT_HOST and BUILDKIT_TLS_*, DOCKER_HOST and the
	// other variables of Docker, HOME, and XDG_RUNTIME_DIR.
	Environ []string
	// Sockets are the paths on which a Docker daemon may listen if DOCKER_HOST is not set.
	// If it is nil, they are Docker's usual paths.
	Sockets []string
	// Kubernetes starts a buildkitd in a cluster. It is nil if there is no cluster to use.
	Kubernetes *Kubernetes
	// Waiting, if not nil, is called with what a buildkitd that starts in a cluster waits
	// for, each time that it changes.
	Waiting func(reason string)
}

// responseTimeout is the timeout for the first response of a BuildKit or a Docker daemon.
const responseTimeout = 5 * time.Second

// NoBuilderError is the error that no BuildKit was found. It says how to get one.
type NoBuilderError struct {
	// Tried has, for each way to find a BuildKit, why it failed.
	Tried []string
}

// Error returns a message that lists them.
func (e *NoBuilderError) Error() string {
	return "images of kind dockerfile need BuildKit, and none was found:\n  - " + strings.Join(e.Tried, "\n  - ")
}

// Find returns the first BuildKit that it finds: the one at BUILDKIT_HOST, that of the
// Docker daemon at DOCKER_HOST or a usual path, or one in a Kubernetes cluster, which it
// starts if necessary. If a variable names one that cannot be used, Find returns an error
// and does not try another. If there is none, the error is a *NoBuilderError.
//
// BUILDKIT_HOST is unix://PATH or tcp://HOST:PORT. The latter uses TLS if one of
// BUILDKIT_TLS_CACERT, BUILDKIT_TLS_CERT and BUILDKIT_TLS_KEY names a file, or
// BUILDKIT_TLS_DIR a directory with ca.pem, cert.pem and key.pem. The server's name is
// BUILDKIT_TLS_SERVERNAME, or else HOST. buildctl has options of these names.
func Find(ctx context.Context, f Finder) (*Builder, error) {
	if address := lookup(f.Environ, "BUILDKIT_HOST"); address != "" {
		return f.named(ctx, address)
	}
	daemon, why, err := f.findDocker(ctx)
	if err != nil || daemon != nil {
		return daemon, err
	}
	if f.Kubernetes != nil {
		return f.Kubernetes.builder(ctx, f.Waiting)
	}
	return nil, &NoBuilderError{Tried: []string{
		"BUILDKIT_HOST is not set: start buildkitd, and set BUILDKIT_HOST=unix:///run/buildkit/buildkitd.sock or tcp://HOST:PORT",
		why + ": install and start Docker, or set DOCKER_HOST to where it listens",
		"no Kubernetes cluster is configured to run buildkitd in: configure one, and slipway starts buildkitd there",
	}}
}

// named returns the BuildKit at BUILDKIT_HOST.
func (f Finder) named(ctx context.Context, address string) (*Builder, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "unix" && at.Scheme != "tcp" || at.Scheme == "tcp" && at.Port() == "" {
		return nil, fmt.Errorf("BUILDKIT_HOST is %q: set it to unix://PATH or tcp://HOST:PORT", address)
	}
	options, err := f.tls(at)
	if err != nil {
		return nil, err
	}
	b := &Builder{
		Name:           "BuildKit at " + address,
		sharesLoopback: runtime.GOOS == "linux" && (at.Scheme == "unix" || isLoopback(at.Hostname())), // on other systems it is in a virtual machine
		dial:           func(ctx context.Context) (*client.Client, error) { return client.New(ctx, address, options...) },
	}
	return b, b.check(ctx, "start it, or unset BUILDKIT_HOST")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tls returns the client options for the TLS files that the environment names.
func (f Finder) tls(at *url.URL) ([]client.ClientOpt, error) {
	variable := func(name string) string { return lookup(f.Environ, "BUILDKIT_TLS_"+name) }
	ca, cert, key := variable("CACERT"), variable("CERT"), variable("KEY")
	if dir := variable("DIR"); dir != "" {
		if ca != "" || cert != "" || key != "" {
			return nil, errors.New("BUILDKIT_TLS_DIR and another TLS file are both set: unset one of them")
		}
		ca, cert, key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	}
	server := variable("SERVERNAME")
	if ca == "" && cert == "" && key == "" && server == "" {
		return nil, nil
	}
	for _, file := range []string{ca, cert, key} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("TLS files for BUILDKIT_HOST: %w", err)
		}
	}
	if server == "" {
		server = at.Hostname()
	}
	var options []client.ClientOpt
	if ca != "" {
		options = append(options, client.WithServerConfig(server, ca))
	} else {
		options = append(options, client.WithServerConfigSystem(server))
	}
	if cert != "" || key != "" {
		options = append(options, client.WithCredentials(cert, key))
	}
	return options, nil
}

// check returns an error if the builder does not respond.
func (b *Builder) check(ctx context.Context, hint string) error {
	limited, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	c, err := b.dial(limited)
	if err == nil {
		defer c.Close()
		_, err = c.ListWorkers(limited)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s does not answer: %w; %s", b.Name, err, hint)
	}
	return nil
}
