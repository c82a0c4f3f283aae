package registrytest

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	sandboxregistry "github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// InMemory returns the registry of go-containerregistry. It reads each manifest completely
// before it passes it on. Otherwise that registry, unlike all others, would store the part
// of a manifest that arrived before the client was killed.
func InMemory() http.Handler {
	next := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
		}
		next.ServeHTTP(w, r)
	})
}

// Each runs a contract in parallel subtests, one for each available registry.
func Each(t *testing.T, contract func(t *testing.T, name string, registry http.Handler)) {
	t.Run("go-containerregistry", func(t *testing.T) { t.Parallel(); contract(t, "go-containerregistry", InMemory()) })
	t.Run("sandbox", func(t *testing.T) {
		t.Parallel()
		handler, err := sandboxregistry.New(t.TempDir(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		contract(t, "sandbox", handler)
	})
	t.Run("docker-registry", func(t *testing.T) {
		t.Parallel()
		target, err := url.Parse("http://" + testenv.Registry(t))
		if err != nil {
			t.Fatal(err)
		}
		contract(t, "docker-registry", forward(target))
	})
}

// forward returns a proxy that closes the connection when the client does.
func forward(target *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
