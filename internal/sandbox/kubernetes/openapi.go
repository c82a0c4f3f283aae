package kubernetes

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// openAPI is the part of the API server's description of v1 that is about the cluster's
// kinds, as compressed JSON. the tests of package cluster write it.
//
//go:embed openapi.json.gz
var openAPI []byte

// serveOpenAPI serves the description of the API, by which kubectl explains fields and
// finds out that the server checks them.
func serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	switch strings.TrimSuffix(r.URL.Path, "/") {
	case "/openapi/v3":
		respond(w, http.StatusOK, map[string]any{"paths": map[string]any{"api/v1": map[string]string{"serverRelativeURL": "/openapi/v3/api/v1"}}})
		return nil
	case "/openapi/v3/api/v1":
	default:
		return apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "the sandbox's cluster has no "+r.URL.Path, 0, true)
	}
	text, err := gzip.NewReader(bytes.NewReader(openAPI))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, text) // the client may have left
	return nil
}
