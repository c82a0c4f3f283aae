package dockerfile

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session/grpchijack"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// containerdDocker is a fake Docker daemon with containerd's image store, which no package
// provides here. It answers the Engine API's /info, and forwards /grpc and /session to a
// real BuildKit, as dockerd does.
func containerdDocker(t *testing.T) (host string) {
	t.Helper()
	address := testenv.BuildKit(t)
	behind, err := client.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = behind.Close() })
	dir, err := os.MkdirTemp("", "docker") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"OSType": "linux", "OperatingSystem": "Debian", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}`)
	})
	mux.HandleFunc("POST /grpc", func(w http.ResponseWriter, _ *http.Request) {
		hijack(t, w, "h2c", func() (net.Conn, error) { return net.Dial("unix", strings.TrimPrefix(address, "unix://")) })
	})
	sessions := grpchijack.Dialer(behind.ControlClient())
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		meta := map[string][]string{}
		for key, values := range r.Header {
			if strings.HasPrefix(key, "X-Docker-Expose-Session-") {
				meta[strings.ToLower(key)] = values
			}
		}
		hijack(t, w, "h2c", func() (net.Conn, error) { return sessions(context.WithoutCancel(r.Context()), "h2c", meta) })
	})
	server := &http.Server{Handler: mux} //nolint:gosec // of one test
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "unix://" + listener.Addr().String()
}

// hijack connects a request's connection to another one.
func hijack(t *testing.T, w http.ResponseWriter, protocol string, dial func() (net.Conn, error)) {
	to, err := dial()
	if err != nil {
		t.Error(err)
		return
	}
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = fmt.Fprintf(from, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
	go func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	}()
	_, _ = io.Copy(to, buffered)
	_ = to.Close()
}

// TestContainerdStore builds with a Docker daemon whose BuildKit pushes by itself. It
// pushes under a tag, because Docker needs a name. Several platforms work as well.
func TestContainerdStore(t *testing.T) {
	t.Parallel()
	host := containerdDocker(t)
	w := newRegistry(t)
	builder, err := Find(t.Context(), Finder{Environ: []string{"DOCKER_HOST=" + host}})
	if err != nil {
		t.Fatal(err)
	}
	if builder.docker == nil || !builder.docker.containerd || !builder.sharesLoopback {
		t.Fatalf("found %+v", builder)
	}
	w.builder = builder
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY a.txt /\nRUN cat /a.txt > /b.txt\n", "a.txt": "one"})
	image, built, _ := w.build(t, s, "store")
	if got := testenv.Contents(t, image)["b.txt"]; got != "one" {
		t.Errorf("the image has %q", got)
	}
	untagged, err := builder.Build(t.Context(), s, w.output("untagged"), nil)
	if err != nil || untagged.Digest != built.Digest {
		t.Errorf("without a tag it is %v, %v; was %s", untagged, err, built.Digest)
	}
	if there, err := remote.Head(w.reference("untagged@" + built.Digest.String())); err != nil || there.Digest != built.Digest {
		t.Errorf("the registry has %v, %v", there, err)
	}
	s = w.spec(map[string]string{"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH.txt /arch\n", "amd64.txt": "amd64", "arm64.txt": "arm64"})
	s.Platforms = []string{"linux/amd64", "linux/arm64"}
	both, err := builder.Build(t.Context(), s, w.output("both", "latest"), nil)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(w.reference("both:latest"))
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := index.Digest(); err != nil || digest != both.Digest {
		t.Errorf("the tag has %s, %v, and %s was built", digest, err, both.Digest)
	}
}
