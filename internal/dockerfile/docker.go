package dockerfile

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/panics"
)

// docker is a client of a Docker daemon. It uses the Engine API:
// docs.docker.com/reference/api/engine.
type docker struct {
	host string
	dial func(context.Context) (net.Conn, error)
	// local reports whether the address is on this machine.
	local bool
	// containerd reports whether images are in containerd's store, so that BuildKit can
	// push and export them. With a graph driver Docker has its own exporter, which does
	// neither and reports no error.
	containerd bool
}

// findDocker returns the BuildKit of a Docker daemon, or the reason why there is none.
func (f Finder) findDocker(ctx context.Context) (*Builder, string, error) {
	if host := lookup(f.Environ, "DOCKER_HOST"); host != "" {
		b, err := f.docker(ctx, host)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("the Docker daemon at DOCKER_HOST=%s cannot be used: %w; start it, or unset DOCKER_HOST", host, err)
		}
		return b, "", err
	}
	why := "no Docker daemon was found at the default addresses"
	for _, socket := range f.sockets() {
		if _, err := os.Stat(socket); err != nil && runtime.GOOS != "windows" {
			continue
		}
		scheme := "unix://"
		if runtime.GOOS == "windows" {
			scheme = "npipe://"
		}
		b, err := f.docker(ctx, scheme+socket)
		if err == nil {
			return b, "", nil
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		why = fmt.Sprintf("the Docker daemon at %s cannot be used (%v)", socket, err)
	}
	return nil, why, nil
}

// sockets returns the paths on which Docker listens: the default, that of Docker Desktop,
// and that of a rootless daemon.
func (f Finder) sockets() []string {
	if f.Sockets != nil {
		return f.Sockets
	}
	if runtime.GOOS == "windows" {
		return []string{"//./pipe/docker_engine"}
	}
	list := []string{"/var/run/docker.sock"}
	if home := lookup(f.Environ, "HOME"); home != "" {
		list = append(list, filepath.Join(home, ".docker", "run", "docker.sock"))
	}
	if dir := lookup(f.Environ, "XDG_RUNTIME_DIR"); dir != "" {
		list = append(list, filepath.Join(dir, "docker.sock"))
	}
	return list
}

// docker returns the BuildKit of the daemon at an address.
func (f Finder) docker(ctx context.Context, host string) (*Builder, error) {
	d, err := newDocker(host, f)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	info, err := d.info(limited)
	if err != nil {
		return nil, err
	}
	if info.OSType != "linux" {
		return nil, fmt.Errorf("it runs %s containers, but images of kind dockerfile need Linux containers", info.OSType)
	}
	for _, pair := range info.DriverStatus {
		d.containerd = d.containerd || strings.HasPrefix(pair[1], "io.containerd.snapshotter.")
	}
	b := &Builder{
		Name:           "the Docker daemon at " + host,
		docker:         d,
		sharesLoopback: runtime.GOOS == "linux" && d.local && info.OperatingSystem != "Docker Desktop", // Docker Desktop runs in a virtual machine
		dial: func(ctx context.Context) (*client.Client, error) {
			return client.New(ctx, "", client.WithContextDialer(func(dialing context.Context, _ string) (connection net.Conn, err error) {
				defer panics.Keep(ctx, &err, "the Docker daemon at "+host) // gRPC calls it
				return d.upgrade(dialing, "/grpc", "h2c", nil)
			}), client.WithSessionDialer(func(dialing context.Context, protocol string, meta map[string][]string) (connection net.Conn, err error) {
				defer panics.Keep(ctx, &err, "the Docker daemon at "+host)
				return d.upgrade(dialing, "/session", protocol, meta)
			}))
		},
	}
	return b, b.check(limited, "update Docker")
}

// newDocker parses a daemon's address. It sends no request.
func newDocker(host string, f Finder) (*docker, error) {
	at, err := url.Parse(host)
	if err != nil {
		return nil, errors.New("the address is not a valid URL")
	}
	d := &docker{host: host}
	dialer := &net.Dialer{Timeout: responseTimeout}
	switch at.Scheme {
	case "unix":
		d.local = true
		d.dial = func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "unix", at.Path) }
	case "npipe":
		d.dial = func(ctx context.Context) (net.Conn, error) {
			return dialPipe(ctx, strings.TrimPrefix(host, "npipe://"))
		}
	case "tcp":
		d.local = isLoopback(at.Hostname())
		config, err := f.dockerTLS(at)
		if err != nil {
			return nil, err
		}
		d.dial = func(ctx context.Context) (net.Conn, error) {
			if config == nil {
				return dialer.DialContext(ctx, "tcp", at.Host)
			}
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", at.Host)
		}
	default:
		return nil, fmt.Errorf("slipway supports unix:// and tcp:// addresses, not %s://", at.Scheme)
	}
	return d, nil
}

// dockerTLS returns the TLS configuration that the docker command reads from the
// environment.
func (f Finder) dockerTLS(at *url.URL) (*tls.Config, error) {
	verify, dir := lookup(f.Environ, "DOCKER_TLS_VERIFY"), lookup(f.Environ, "DOCKER_CERT_PATH")
	if verify == "" && dir == "" {
		return nil, nil
	}
	if dir == "" {
		dir = filepath.Join(lookup(f.Environ, "HOME"), ".docker")
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("TLS files: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("TLS files: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("TLS files: no certificate was found in %s", filepath.Join(dir, "ca.pem"))
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: pool, ServerName: at.Hostname(), MinVersion: tls.VersionTLS12}, nil
}

type dockerInfo struct {
	OSType, OperatingSystem string
	DriverStatus            [][2]string
}

func (d *docker) info(ctx context.Context) (dockerInfo, error) {
	var info dockerInfo
	response, err := d.request(ctx, http.MethodGet, "/info")
	if err != nil {
		return info, err
	}
	defer response.Body.Close()
	return info, json.NewDecoder(response.Body).Decode(&info)
}

// headerTimeout is the timeout until a daemon begins its response. It may have to assemble an
// image first.
const headerTimeout = 5 * time.Minute

// request sends a request to the daemon. A failure status is an error.
func (d *docker) request(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: headerTimeout, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.dial(ctx) }}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		return nil, refusal(response)
	}
	return response, nil
}

func refusal(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &said) == nil && said.Message != "" {
		return fmt.Errorf("%s: %s", response.Status, said.Message)
	}
	return errors.New(response.Status)
}

// upgrade sends an HTTP request that upgrades the connection to a protocol of BuildKit.
func (d *docker) upgrade(ctx context.Context, path, protocol string, header map[string][]string) (net.Conn, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		request.Header[http.CanonicalHeaderKey(key)] = values
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", protocol)
	connection, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(headerTimeout))
	reader := bufio.NewReader(connection)
	var response *http.Response
	if err = request.Write(connection); err == nil {
		response, err = http.ReadResponse(reader, request)
	}
	if !stop() {
		err = ctx.Err()
	}
	if err == nil && response.StatusCode != http.StatusSwitchingProtocols {
		err = refusal(response)
	}
	if err != nil {
		_ = connection.Close()
		return nil, fmt.Errorf("connect to BuildKit in the Docker daemon: %w", err)
	}
	_ = connection.SetDeadline(time.Time{})
	return &bufferedConn{Conn: connection, reader: reader}, nil
}

// bufferedConn is a connection of which some data is already in a buffer.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(text []byte) (int, error) { return c.reader.Read(text) }
