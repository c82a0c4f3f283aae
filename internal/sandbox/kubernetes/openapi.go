package kubernetes

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"net/http"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// openAPI has the parts of the API server's description of its API that are about the
// cluster's kinds: one file of compressed JSON for each API group. The tests of package
// cluster write them.
//
//go:embed openapi
var openAPI embed.FS

// descriptions returns the files of openAPI, by the paths of the API groups.
func descriptions() map[string]string {
	return map[string]string{
		"api/v1": "openapi/core.json.gz",
		"apis/" + authentication.SchemeGroupVersion.String(): "openapi/authentication.json.gz",
		"apis/" + authorization.SchemeGroupVersion.String():  "openapi/authorization.json.gz",
	}
}

// serveOpenAPI serves the description of the API, by which kubectl explains fields and
// finds out that the server checks them.
func serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/openapi/v3"), "/")
	if path == "" {
		paths := map[string]any{}
		for group := range descriptions() {
			paths[group] = map[string]string{"serverRelativeURL": "/openapi/v3/" + group}
		}
		respond(w, http.StatusOK, map[string]any{"paths": paths})
		return nil
	}
	name, ok := descriptions()[path]
	if !ok {
		return apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "the sandbox's cluster has no "+r.URL.Path, 0, true)
	}
	text, err := openDescription(name)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, text) // the client may have left
	return nil
}

// openDescription opens a file of openAPI. It needs no closing.
func openDescription(name string) (io.Reader, error) {
	compressed, err := openAPI.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return gzip.NewReader(bytes.NewReader(compressed))
}
