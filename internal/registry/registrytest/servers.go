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
	"github.com/slipway-ci/slipway/internal/testbed"
)

// InMemory returns go-containerregistry's registry. Of a manifest whose sender was killed
// it would keep the part that has come, which no other registry does.
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

// Each runs a contract against each of the registries that are at hand: at the same time,
// each with its name.
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
		target, err := url.Parse("http://" + testbed.Registry(t))
		if err != nil {
			t.Fatal(err)
		}
		contract(t, "docker-registry", forward(target))
	})
}

// forward gives a proxy that breaks off when the client does.
func forward(target *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
