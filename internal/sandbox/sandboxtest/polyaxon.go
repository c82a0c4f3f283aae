// Package sandboxtest starts the sandbox's Polyaxon server alone, for tests that need a
// server of a particular release of Polyaxon.
package sandboxtest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/secret"
)

const (
	// Program is the path of the test's program in every image.
	Program = "/job"
	// Namespace is the namespace of runs.
	Namespace = sandbox.Namespace
)

// Polyaxon starts a server of a release and returns its address. It ends with the test.
//
// What is submitted to it runs as processes of this machine. Every image is the same: it
// has program, a static binary, and nothing else. A test that runs nothing can pass "".
// Logs are archived in small files, a moment after the end of a run, as on a cluster.
func Polyaxon(t testing.TB, release, program string) string {
	t.Helper()
	listening := httptest.NewUnstartedServer(nil)
	host := "http://" + listening.Listener.Addr().String()
	dir := t.TempDir()
	server, err := polyaxon.New(polyaxon.Options{
		Dir: dir, Cluster: allObjects{}, Namespace: Namespace, Host: host, Token: secret.NewValue([]byte("token")), Log: io.Discard,
		Runtime:  container.New(container.Options{Dir: dir, Unisolated: "a test", Pull: func(context.Context, string) (v1.Image, error) { return image(program) }}),
		Capacity: &polyaxon.Capacity{MilliCPU: 1 << 40, Memory: 1 << 60, Other: map[string]int64{"nvidia.com/gpu": 16}},
		Release:  release, Archive: polyaxon.Archive{Lines: 50, After: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	listening.Config.Handler = server
	listening.Start()
	t.Cleanup(func() {
		listening.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return host
}

// image returns an image that contains a program of this machine.
func image(program string) (v1.Image, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	err = archive.WriteHeader(&tar.Header{Name: Program[1:], Mode: 0o755, Size: int64(len(text))})
	_, writing := archive.Write(text)
	if err := errors.Join(err, writing, archive.Close()); err != nil {
		return nil, err
	}
	made, err := mutate.AppendLayers(empty.Image, static.NewLayer(layer.Bytes(), types.OCIUncompressedLayer))
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(made, platform(made))
}

func platform(image v1.Image) *v1.ConfigFile {
	config, err := image.ConfigFile()
	if err != nil {
		return nil
	}
	config.OS, config.Architecture = runtime.GOOS, runtime.GOARCH
	return config
}

// allObjects is a cluster in which every Secret and ConfigMap exists and is empty.
type allObjects struct{}

func (allObjects) Secret(string, string) (map[string][]byte, bool)    { return nil, true }
func (allObjects) ConfigMap(string, string) (map[string][]byte, bool) { return nil, true }
