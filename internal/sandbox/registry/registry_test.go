package registry

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func serve(t *testing.T, dir string) (host string, stop func()) {
	t.Helper()
	handler, err := New(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), server.Close
}

func tag(t *testing.T, host, text string) name.Tag {
	t.Helper()
	parsed, err := name.NewTag(host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func byDigest(t *testing.T, text string) name.Digest {
	t.Helper()
	parsed, err := name.NewDigest(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRestart checks that images, indexes, tags and deletions survive a restart, byte for
// byte.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	host, stop := serve(t, dir)
	one, err := random.Image(2000, 3)
	must(t, err)
	index, err := random.Index(1000, 2, 2)
	must(t, err)
	must(t, remote.Write(tag(t, host, "team/one:v1"), one))
	must(t, remote.WriteIndex(tag(t, host, "many:v1"), index))
	must(t, remote.Write(tag(t, host, "gone:v1"), one))
	digest, err := one.Digest()
	must(t, err)
	must(t, remote.Delete(tag(t, host, "gone:v1")))
	must(t, remote.Delete(byDigest(t, host+"/gone@"+digest.String())))
	stop()

	// A partial blob of a killed process is removed.
	part := filepath.Join(dir, "blobs", partialPrefix+"dead")
	must(t, os.WriteFile(part, []byte("half"), 0o600))
	host, _ = serve(t, dir)
	if _, err := os.Stat(part); !os.IsNotExist(err) {
		t.Errorf("what was written in part is still there: %v", err)
	}
	back, err := remote.Image(tag(t, host, "team/one:v1"))
	must(t, err)
	must(t, validate.Image(back))
	if got, err := back.Digest(); err != nil || got != digest {
		t.Errorf("the image has digest %v now, %v", got, err)
	}
	backIndex, err := remote.Index(tag(t, host, "many:v1"))
	must(t, err)
	must(t, validate.Index(backIndex))
	if _, err := remote.Head(tag(t, host, "gone:v1")); err == nil {
		t.Error("the deleted image is back")
	}
	repositories, err := remote.Catalog(t.Context(), tag(t, host, "x").Registry)
	must(t, err)
	if got := strings.Join(repositories, " "); !strings.Contains(got, "many") || !strings.Contains(got, "team/one") {
		t.Errorf("repositories %q", got)
	}
}

// TestReferrersSurviveRestart checks that the referrers of an image, such as its SBOM, survive
// a restart.
func TestReferrersSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	host, stop := serve(t, dir)
	one, err := random.Image(2000, 1)
	must(t, err)
	must(t, remote.Write(tag(t, host, "one:v1"), one))
	subject, err := remote.Head(tag(t, host, "one:v1"))
	must(t, err)
	note, err := random.Image(100, 1)
	must(t, err)
	attached, ok := mutate.Subject(note, *subject).(v1.Image)
	if !ok {
		t.Fatal("no image")
	}
	must(t, remote.Write(tag(t, host, "one:note"), attached))
	stop()
	host, _ = serve(t, dir)
	referrers, err := remote.Referrers(byDigest(t, host+"/one@"+subject.Digest.String()))
	must(t, err)
	manifest, err := referrers.IndexManifest()
	must(t, err)
	want, err := attached.Digest()
	must(t, err)
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != want {
		t.Errorf("referrers %+v", manifest.Manifests)
	}
}

// TestUploads covers the rarer requests of the protocol.
func TestUploads(t *testing.T) {
	host, _ := serve(t, t.TempDir())
	do := func(method, url, body string, header ...string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+url, strings.NewReader(body))
		must(t, err)
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		return response
	}
	want := func(response *http.Response, code int) *http.Response {
		t.Helper()
		if response.StatusCode != code {
			t.Fatalf("%s %s answers %s; want %d", response.Request.Method, response.Request.URL, response.Status, code)
		}
		return response
	}
	sum := func(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }
	begin := func() string {
		return want(do(http.MethodPost, "/v2/a/blobs/uploads/", ""), http.StatusAccepted).Header.Get("Location")
	}

	at := begin()
	if got := want(do(http.MethodPatch, at, "abc"), http.StatusAccepted).Header.Get("Range"); got != "0-2" {
		t.Errorf("range %s", got)
	}
	want(do(http.MethodPatch, at, "xx", "Content-Range", "1-2"), http.StatusRequestedRangeNotSatisfiable)
	want(do(http.MethodPatch, at, "def", "Content-Range", "3-5"), http.StatusAccepted)
	want(do(http.MethodPut, at+"?digest="+sum("abcdefghi"), "ghi"), http.StatusCreated)
	want(do(http.MethodHead, "/v2/a/blobs/"+sum("abcdefghi"), ""), http.StatusOK)
	want(do(http.MethodPut, at+"?digest="+sum("abcdefghi"), ""), http.StatusNotFound)

	want(do(http.MethodPost, "/v2/b/blobs/uploads/?mount="+sum("abcdefghi")+"&from=a", ""), http.StatusCreated)
	want(do(http.MethodPost, "/v2/b/blobs/uploads/?mount="+sum("nothing")+"&from=a", ""), http.StatusAccepted)
	want(do(http.MethodPost, "/v2/b/blobs/uploads/?digest="+sum("whole"), "whole"), http.StatusCreated)

	want(do(http.MethodPut, begin()+"?digest="+sum("other"), "this"), http.StatusBadRequest)
	want(do(http.MethodHead, "/v2/a/blobs/"+sum("other"), ""), http.StatusNotFound)
	want(do(http.MethodPut, begin()+"?digest=sha256:zz", "this"), http.StatusBadRequest)
	want(do(http.MethodPut, begin(), "this"), http.StatusBadRequest)
	for _, id := range []string{"..%2f..%2fx", "unknown", strings.Repeat("0", 32)} {
		want(do(http.MethodPatch, "/v2/a/blobs/uploads/"+id, "x"), http.StatusNotFound)
	}
}

// TestDamagedBlob damages a blob's file. The registry reports the blob as missing, before
// and after a restart, until it is sent again.
func TestDamagedBlob(t *testing.T) {
	const content = "some bytes of a layer"
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	ask := func(host, method string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+"/v2/a/blobs/sha256:"+digest, nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		must(t, err)
		return response.StatusCode, string(text)
	}
	send := func(host string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/v2/a/blobs/uploads/?digest=sha256:"+digest, strings.NewReader(content))
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		if response.StatusCode != http.StatusCreated {
			t.Fatal(response.Status)
		}
	}
	for name, damage := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 7) },
		"emptied":   func(path string) error { return os.Truncate(path, 0) },
		"changed": func(path string) error {
			if err := os.WriteFile(path, []byte(strings.ToUpper(content)), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)) // not hidden by a coarse clock
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			host, stop := serve(t, dir)
			send(host)
			if code, text := ask(host, http.MethodGet); code != http.StatusOK || text != content {
				t.Fatalf("%d, %q", code, text)
			}
			must(t, damage(filepath.Join(dir, "blobs", "sha256", digest)))
			for _, method := range []string{http.MethodHead, http.MethodGet} {
				if code, text := ask(host, method); code != http.StatusNotFound {
					t.Errorf("%s answers %d, %q", method, code, text)
				}
			}
			stop()
			host, _ = serve(t, dir)
			if code, _ := ask(host, http.MethodHead); code != http.StatusNotFound {
				t.Errorf("after a restart: %d", code)
			}
			send(host)
			if code, text := ask(host, http.MethodGet); code != http.StatusOK || text != content {
				t.Errorf("sent again: %d, %q", code, text)
			}
		})
	}
}
