package dockerfile

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

func TestFindWithoutAnyBuilder(t *testing.T) {
	_, err := Find(t.Context(), Finder{Sockets: []string{filepath.Join(t.TempDir(), "nothing")}})
	want := `images of kind dockerfile need BuildKit, and none was found:
  - BUILDKIT_HOST is not set: start buildkitd, and set BUILDKIT_HOST=unix:///run/buildkit/buildkitd.sock or tcp://HOST:PORT
  - no Docker daemon was found at the default addresses: install and start Docker, or set DOCKER_HOST to where it listens
  - no Kubernetes cluster is configured to run buildkitd in: configure one, and slipway starts buildkitd there`
	var none *NoBuilderError
	if !errors.As(err, &none) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestFindDoesNotLookElsewhere names builders that do not exist, beside a working Docker
// daemon. Find must not use the daemon instead.
func TestFindDoesNotLookElsewhere(t *testing.T) {
	socket, _ := fakeDocker(t, `{"OSType": "linux", "OperatingSystem": "Debian"}`)
	dir := t.TempDir()
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{[]string{"BUILDKIT_HOST=docker-container://x"}, `BUILDKIT_HOST is "docker-container://x": set it to unix://PATH or tcp://HOST:PORT`},
		{[]string{"BUILDKIT_HOST=tcp://host"}, `BUILDKIT_HOST is "tcp://host": set it to unix://PATH or tcp://HOST:PORT`},
		{[]string{"BUILDKIT_HOST=unix://" + dir + "/none"}, `BuildKit at unix://TMP/none does not answer: .*no such file or directory.*; start it, or unset BUILDKIT_HOST`},
		{[]string{"BUILDKIT_HOST=tcp://127.0.0.1:1"}, `BuildKit at tcp://127.0.0.1:1 does not answer: .*connection refused.*; start it, or unset BUILDKIT_HOST`},
		{[]string{"BUILDKIT_HOST=tcp://127.0.0.1:1", "BUILDKIT_TLS_CACERT=" + dir + "/ca.pem"}, `TLS files for BUILDKIT_HOST: stat TMP/ca.pem: no such file or directory`},
		{[]string{"BUILDKIT_HOST=tcp://127.0.0.1:1", "BUILDKIT_TLS_DIR=" + dir, "BUILDKIT_TLS_KEY=k"}, `BUILDKIT_TLS_DIR and another TLS file are both set: unset one of them`},
		{[]string{"DOCKER_HOST=unix://" + dir + "/none"}, `the Docker daemon at DOCKER_HOST=unix://TMP/none cannot be used: .*no such file or directory; start it, or unset DOCKER_HOST`},
		{[]string{"DOCKER_HOST=ssh://me@there"}, `the Docker daemon at DOCKER_HOST=ssh://me@there cannot be used: slipway supports unix:// and tcp:// addresses, not ssh://; start it, or unset DOCKER_HOST`},
	} {
		_, err := Find(t.Context(), Finder{Environ: c.environ, Sockets: []string{socket}})
		if err == nil || !regexp.MustCompile("^"+strings.ReplaceAll(c.want, "TMP", dir)+"$").MatchString(err.Error()) {
			t.Errorf("%s\ngot  %v\nwant %s", c.environ, err, c.want)
		}
	}
}

// TestFindAsksBuildKitFirst has both a BuildKit and a Docker daemon.
func TestFindAsksBuildKitFirst(t *testing.T) {
	address := testenv.BuildKit(t)
	socket, asked := fakeDocker(t, `{"OSType": "linux", "OperatingSystem": "Debian"}`)
	b, err := Find(t.Context(), Finder{Environ: []string{"BUILDKIT_HOST=" + address}, Sockets: []string{socket}})
	if err != nil || b.Name != "BuildKit at "+address || !b.sharesLoopback || len(*asked) > 0 {
		t.Errorf("found %+v, %v, and asked Docker for %s", b, err, *asked)
	}
}

// TestFindDocker checks that the error names a daemon that cannot be used, and says why.
func TestFindDocker(t *testing.T) {
	for _, c := range []struct{ info, want string }{
		{`{"OSType": "windows"}`, "it runs windows containers, but images of kind dockerfile need Linux containers"},
		{`{"OSType": "linux"}`, "connect to BuildKit in the Docker daemon: 404 Not Found: no such page"},
	} {
		socket, _ := fakeDocker(t, c.info)
		_, err := Find(t.Context(), Finder{Sockets: []string{socket}})
		if err == nil || !strings.Contains(err.Error(), "the Docker daemon at "+socket+" cannot be used (") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// fakeDocker is a Docker daemon that answers /info only.
func fakeDocker(t *testing.T, info string) (socket string, asked *[]string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "docker") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, asked = filepath.Join(dir, "s"), new([]string)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.Path)
		if r.URL.Path == "/info" {
			_, _ = w.Write([]byte(info))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message": "no such page"}`))
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return socket, asked
}

// TestVersions checks that the buildkitd of the tests and that of clusters have the
// client's version.
func TestVersions(t *testing.T) {
	version := func(file string) string {
		text, err := os.ReadFile(filepath.Join(testenv.Root(t), filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`github\.com/moby/buildkit (v\S+)`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no BuildKit", file)
		}
		return string(bytes.TrimSpace(found[1]))
	}
	client := version("go.mod")
	if daemon := version("internal/testenv/buildkit/go.mod"); daemon != client {
		t.Errorf("the tests' daemon is %s, and the client %s", daemon, client)
	}
	if want := "moby/buildkit:" + client + "-rootless"; DefaultImage != want {
		t.Errorf("the image is %s, want %s", DefaultImage, want)
	}
}
