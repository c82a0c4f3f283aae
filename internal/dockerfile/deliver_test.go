package dockerfile

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// redirected is a transport that sends requests to another registry than their address.
type redirected struct{ to string }

func (r redirected) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL = &url.URL{Scheme: "http", Host: r.to, Path: request.URL.Path, RawQuery: request.URL.RawQuery}
	return http.DefaultTransport.RoundTrip(request)
}

// TestRealLoopback uses an address that is one registry for slipway and another one, or
// none, for BuildKit, like the loopback address of a container or a virtual machine.
func TestRealLoopback(t *testing.T) {
	t.Parallel()
	w, other := newFixture(t), newRegistry(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, address := range map[string]string{"nothing": closed.Addr().String(), "another registry": other.registry} {
		t.Run(name, func(t *testing.T) {
			for _, platforms := range [][]string{nil, {"linux/amd64", "linux/arm64"}} {
				s := w.spec(map[string]string{"Dockerfile": "FROM scratch\nCOPY a.txt /\n", "a.txt": name})
				s.Platforms = platforms
				pushed, err := w.builder.Build(t.Context(), s, w.output("pushed", "latest"), nil)
				if err != nil {
					t.Fatal(err)
				}
				received, err := w.builder.Build(t.Context(), s, Output{Repository: address + "/received", Tags: []string{"latest"}, PlainHTTP: true, Transport: redirected{w.registry}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if received.Digest != pushed.Digest {
					t.Errorf("slipway sent %s, and BuildKit pushes %s", received.Digest, pushed.Digest)
				}
				there, err := remote.Head(w.reference("received:latest"))
				if err != nil || there.Digest != received.Digest {
					t.Errorf("the registry has %v, %v", there, err)
				}
			}
		})
	}
}

// TestRealRemoteBuilder checks that a remote builder does not send anything twice either.
func TestRealRemoteBuilder(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.builder.sharesLoopback = false
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY a.txt /\nRUN seq 1 100000 > /numbers\nCOPY b.txt /\n", "a.txt": "a", "b.txt": "b"})
	w.build(t, s, "far")
	write(t, s.Dir, map[string]string{"b.txt": "changed"})
	w.requests()
	image, _, _ := w.build(t, s, "far")
	if got := testenv.Contents(t, image)["b.txt"]; got != "changed" {
		t.Errorf("the image has %q", got)
	}
	uploads := 0
	for _, request := range w.requests() {
		if strings.HasPrefix(request, "POST ") {
			uploads++
		}
	}
	if uploads != 2 { // a layer and the config
		t.Errorf("%d blobs were sent", uploads)
	}
}

type keychain map[string]authn.Authenticator

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if found := k[r.RegistryStr()]; found != nil {
		return found, nil
	}
	return authn.Anonymous, nil
}

// TestRealCredentials uses a registry that requires a password, for the base image and for
// the image.
func TestRealCredentials(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	password := "p4ssw0rd-of-the-registry"
	inner := w.registry
	address := guard(t, inner, password)
	s := w.spec(map[string]string{"Dockerfile": "FROM " + address + "/base:1\nRUN echo made > /made\n"})
	for _, near := range []bool{true, false} {
		w.builder.sharesLoopback = near
		output := Output{Repository: address + "/private", Tags: []string{"latest"}, PlainHTTP: true,
			Keychain: keychain{address: &authn.Basic{Username: "slipway", Password: password}}}
		var told events
		if _, err := w.builder.Build(t.Context(), s, output, told.add); err != nil {
			t.Fatalf("near %t: %v", near, err)
		}
		if strings.Contains(told.text(), password) {
			t.Error("the password is told")
		}
		if _, err := remote.Head(w.reference("private:latest")); err != nil {
			t.Error(err)
		}
		output.Keychain = keychain{address: &authn.Basic{Username: "slipway", Password: "wrong-password-1"}}
		_, err := w.builder.Build(t.Context(), s, output, nil)
		if err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "wrong-password-1") {
			t.Errorf("near %t: with a wrong password: %v", near, err)
		}
	}
}

// guard starts a proxy that requires a password.
func guard(t *testing.T, registry, password string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "slipway" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		forward := r.Clone(r.Context())
		forward.URL.Scheme, forward.URL.Host, forward.RequestURI = "http", registry, ""
		response, err := http.DefaultTransport.RoundTrip(forward)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		for key, values := range response.Header {
			w.Header()[key] = values
		}
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// TestCancelWithUnresponsiveBuilder cancels a build with a daemon that accepts connections
// and sends nothing.
func TestCancelWithUnresponsiveBuilder(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "dead")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan net.Conn, 100)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	b := &Builder{Name: "a dead daemon", dial: func(ctx context.Context) (*client.Client, error) {
		return client.New(ctx, "unix://"+listener.Addr().String())
	}}
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	go func() {
		connection := <-accepted
		defer connection.Close()
		cancelled = time.Now()
		cancel()
		<-t.Context().Done()
	}()
	s := Spec{Name: "app", Dir: write(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\n"})}
	_, err = b.Build(ctx, s, Output{Repository: "127.0.0.1:1/app", Tags: []string{"latest"}}, nil)
	if took := time.Since(cancelled); took > 30*time.Second || !errors.Is(err, context.Canceled) {
		t.Errorf("it took %v, and gave %v", took, err)
	}
}
