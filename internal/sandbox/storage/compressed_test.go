package storage_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

// compressed is a case of content that is kept compressed: it is decompressed for clients that do not accept that. See
// cloud.google.com/storage/docs/transcoding.
func compressed(t *testing.T, a *api) {
	var zipped strings.Builder
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, "a,b"); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	a.put(t, "one", zipped.String(), "", `, "contentEncoding": "gzip"`).is(t, 200)
	a.send(t, http.MethodPost, "/upload/storage/v1/b/"+a.bucket+"/o?uploadType=media&contentEncoding=gzip&name=two", nil, zipped.String()).is(t, 200)
	a.send(t, http.MethodPost, a.path("two")+"/rewriteTo/b/"+a.bucket+"/o/three", nil, "").is(t, 200)
	for _, name := range []string{"one", "two", "three"} {
		if got := a.send(t, http.MethodGet, a.path(name), nil, "").is(t, 200); !strings.Contains(strings.ReplaceAll(got.body, " ", ""), `"contentEncoding":"gzip"`) {
			t.Errorf("%s: %s", name, got.body)
		}
		for accepts, want := range map[string]string{"gzip": zipped.String(), "identity": "a,b"} {
			got := a.send(t, http.MethodGet, a.path(name)+"?alt=media", map[string]string{"Accept-Encoding": accepts}, "").is(t, 200)
			if got.body != want || (got.header.Get("Content-Encoding") == "gzip") != (accepts == "gzip") {
				t.Errorf("%s for a client that accepts %s: %q, %v", name, accepts, got.body, got.header)
			}
		}
	}
}
