package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// endless writes to a client until it leaves, and returns how much that was.
func endless(w http.ResponseWriter, part string) (written int64) {
	many := strings.Repeat(part, 1+(64<<10)/len(part))
	for {
		n, err := io.WriteString(w, many)
		if written += int64(n); err != nil {
			return written
		}
	}
}

// TestLongBlobs has a registry send a blob without end. Each reader ends where the manifest says that the
// blob does, and not when a disk is full.
func TestLongBlobs(t *testing.T) {
	var sent atomic.Int64
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			sent.Add(endless(w, "x"))
		}
	}))
	repository, err := r.Reference("base")
	must(t, err)
	blob := repository.Digest("sha256:" + strings.Repeat("1", 64))
	const size = 1 << 20
	for what, read := range map[string]func() (int64, error){
		"read": func() (n int64, err error) {
			err = r.Puller().Read(t.Context(), blob, size, func(body io.Reader) (err error) { n, err = io.Copy(io.Discard, body); return err })
			return n, err
		},
		"open": func() (int64, error) {
			body, err := r.OpenBlob(t.Context(), blob, size)
			if err != nil {
				return 0, err
			}
			defer body.Close()
			return io.Copy(io.Discard, body)
		},
		"a configuration": func() (int64, error) {
			text, err := r.Puller().Blob(t.Context(), blob)
			return int64(len(text)), err
		},
	} {
		n, err := read()
		if long := new(BlobSizeError); !errors.As(err, &long) || n > maxManifest {
			t.Errorf("%s: %d bytes, %v", what, n, err)
		}
	}
	t.Logf("the registry has sent %d bytes", sent.Load())
}

// TestManifestOfAnotherDigest has a registry answer with another manifest than the one that is asked for by
// its digest.
func TestManifestOfAnotherDigest(t *testing.T) {
	text := []byte(`{"schemaVersion": 2}`)
	for _, header := range []string{"", DigestOf(text).String()} {
		r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(digestHeader, header)
			}
			_, _ = w.Write(text)
		}))
		repository, err := r.Reference("app")
		must(t, err)
		at, err := r.Open(t.Context(), repository, Pull)
		must(t, err)
		if m, err := at.Manifest(t.Context(), DigestOf(nil).String()); err == nil || !strings.Contains(err.Error(), "mismatch") {
			t.Errorf("%+v, %v", m, err)
		}
		for _, reference := range []string{"v1", DigestOf(text).String()} {
			m, err := at.Manifest(t.Context(), reference)
			if err != nil || !bytes.Equal(m.Text, text) {
				t.Errorf("%s: %+v, %v", reference, m, err)
			}
		}
	}
}

// TestEndlessLists has a registry list itself without end, in each way in which it can.
func TestEndlessLists(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request, n int64, text string) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d>; rel="next"`, r.URL.Path, n))
		_, _ = io.WriteString(w, text)
	}
	for what, answer := range map[string]func(w http.ResponseWriter, r *http.Request, n int64){
		"one answer": func(w http.ResponseWriter, r *http.Request, _ int64) {
			_, _ = io.WriteString(w, `{"repositories": ["x"`)
			endless(w, `, "x"`)
		},
		"tags in one answer": func(w http.ResponseWriter, r *http.Request, _ int64) {
			if strings.HasSuffix(r.URL.Path, "_catalog") {
				_, _ = io.WriteString(w, `{"repositories": ["acme/ml/x"]}`)
				return
			}
			_, _ = io.WriteString(w, `{"tags": ["x"`)
			endless(w, `, "x"`)
		},
		"pages of repositories": func(w http.ResponseWriter, r *http.Request, n int64) { page(w, r, n, `{"repositories": []}`) },
		"pages of tags": func(w http.ResponseWriter, r *http.Request, n int64) {
			if strings.HasSuffix(r.URL.Path, "_catalog") {
				_, _ = io.WriteString(w, `{"repositories": ["acme/ml/x"]}`)
				return
			}
			page(w, r, n, `{"tags": ["x"]}`)
		},
		"repositories below others": func(w http.ResponseWriter, _ *http.Request, _ int64) { _, _ = io.WriteString(w, `{"child": ["x"]}`) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch n := asked.Add(1); {
				case r.URL.Path == "/v2/":
				case strings.HasSuffix(r.URL.Path, "/ml/tags/list") && what != "repositories below others":
					w.WriteHeader(http.StatusNotFound)
				default:
					answer(w, r, n)
				}
			}))
			listed, err := r.List(t.Context(), nil)
			if endless := new(ListError); !errors.As(err, &endless) {
				t.Errorf("%d images, %v after %d requests", len(listed), err, asked.Load())
			}
		})
	}
}

// TestRealmsAndRedirects has registries lead a client to other hosts: where it gets its token, and where a blob is. No
// address of this machine or of its network is asked, and no credentials go to another host.
func TestRealmsAndRedirects(t *testing.T) {
	var asked atomic.Int32
	inside := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	to, _, _ := strings.Cut(inside.Prefix, "/")
	for what, answer := range map[string]http.HandlerFunc{
		"a realm": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+to+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"a blob": func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/blobs/") {
				http.Redirect(w, r, "http://"+to+"/x", http.StatusTemporaryRedirect)
			}
		},
	} {
		r := serve(t, answer)
		r.Prefix = strings.Replace(r.Prefix, "127.0.0.1", "localhost", 1) // another host than that of the address
		r.limits = timeouts.Limits{}
		repository, err := name.NewRepository(r.Prefix+"/base", name.Insecure)
		must(t, err)
		_, err = r.Puller().Blob(t.Context(), repository.Digest("sha256:"+strings.Repeat("1", 64)))
		if err == nil || asked.Load() > 0 {
			t.Errorf("%s: %v after %d requests to an address inside", what, err, asked.Load())
		}
	}
}
