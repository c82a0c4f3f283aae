package storage_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"

	server "github.com/slipway-ci/slipway/internal/sandbox/storage"
)

// api is a Cloud Storage to send requests to.
type api struct {
	address string
	bucket  string
}

// answer is what a request got.
type answer struct {
	code   int
	header http.Header
	body   string
}

// send sends a request to a path below the address, or to a whole address.
func (a *api) send(t *testing.T, method, path string, header map[string]string, body string) answer {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = a.address + path
	}
	request, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// is checks the code of an answer.
func (r answer) is(t *testing.T, code int) answer {
	t.Helper()
	if r.code != code {
		t.Fatalf("it returned %d, want %d: %s", r.code, code, r.body)
	}
	return r
}

// object returns the metadata in an answer.
func (r answer) object(t *testing.T) (o object) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.is(t, 200).body), &o); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return o
}

// object is what clients read of an object.
type object struct {
	Name, Generation, Size, CRC32C string
	Metadata                       map[string]string
}

// path returns the path of an object.
func (a *api) path(name string) string {
	return "/storage/v1/b/" + a.bucket + "/o/" + url.PathEscape(name)
}

// put writes an object by one request with its metadata.
func (a *api) put(t *testing.T, name, content, query, metadata string) answer {
	t.Helper()
	resource := fmt.Sprintf(`{"name": %q%s}`, name, metadata)
	body := "--x\r\nContent-Type: application/json\r\n\r\n" + resource + "\r\n--x\r\nContent-Type: text/plain\r\n\r\n" + content + "\r\n--x--\r\n"
	return a.send(t, http.MethodPost, "/upload/storage/v1/b/"+a.bucket+"/o?uploadType=multipart"+query, map[string]string{"Content-Type": "multipart/related; boundary=x"}, body)
}

// cases are what every Cloud Storage does, by cloud.google.com/storage/docs/json_api/v1.
func cases() map[string]func(*testing.T, *api) {
	return map[string]func(*testing.T, *api){
		"bucket": func(t *testing.T, a *api) {
			a.send(t, http.MethodGet, "/storage/v1/b/"+a.bucket, nil, "").is(t, 200)
			a.send(t, http.MethodPost, "/storage/v1/b?project=p", map[string]string{"Content-Type": "application/json"}, `{"name": "`+a.bucket+`"}`).is(t, 409)
			a.send(t, http.MethodGet, "/storage/v1/b/none/o", nil, "").is(t, 404)
			if all := a.send(t, http.MethodGet, "/storage/v1/b?project=p", nil, "").is(t, 200); !strings.Contains(all.body, `"`+a.bucket+`"`) {
				t.Errorf("the bucket is not listed: %s", all.body)
			}
		},
		"content and metadata": func(t *testing.T, a *api) {
			for _, name := range []string{"plain", "a b/c.txt", "ünï/✓", "100%2F#?&+", "dir/", "../x", "/lead", strings.Repeat("n", 1024)} {
				o := a.put(t, name, "hello", "", `, "metadata": {"k": "v"}`).object(t)
				if o.Name != name || o.Size != "5" || o.CRC32C != "mnG7TA==" || o.Metadata["k"] != "v" {
					t.Errorf("%q: %+v", name, o)
				}
				if got := a.send(t, http.MethodGet, a.path(name)+"?alt=media", nil, "").is(t, 200); got.body != "hello" {
					t.Errorf("%q has %q", name, got.body)
				}
				if got := a.send(t, http.MethodGet, a.path(name), nil, "").object(t); got.Generation != o.Generation || got.CRC32C != o.CRC32C {
					t.Errorf("%q: %+v, want %+v", name, got, o)
				}
			}
		},
		"part": func(t *testing.T, a *api) {
			a.put(t, "part", "0123456789", "", "").is(t, 200)
			if got := a.send(t, http.MethodGet, a.path("part")+"?alt=media", map[string]string{"Range": "bytes=4-"}, "").is(t, 206); got.body != "456789" {
				t.Errorf("a part is %q", got.body)
			}
		},
		"generations": func(t *testing.T, a *api) {
			first := a.put(t, "g", "1", "&ifGenerationMatch=0", "").object(t)
			a.put(t, "g", "2", "&ifGenerationMatch=0", "").is(t, 412)
			second := a.put(t, "g", "2", "&ifGenerationMatch="+first.Generation, "").object(t)
			a.put(t, "g", "3", "&ifGenerationMatch="+first.Generation, "").is(t, 412)
			if second.Generation == first.Generation {
				t.Error("a new content has the same generation")
			}
			a.send(t, http.MethodGet, a.path("g")+"?alt=media&generation="+first.Generation, nil, "").is(t, 404)
			if got := a.send(t, http.MethodDelete, a.path("g")+"?ifGenerationMatch="+second.Generation, nil, ""); got.code/100 != 2 {
				t.Errorf("it is not deleted: %d %s", got.code, got.body)
			}
			a.send(t, http.MethodDelete, a.path("g"), nil, "").is(t, 404)
			a.send(t, http.MethodGet, a.path("g"), nil, "").is(t, 404)
		},
		"checksum": func(t *testing.T, a *api) {
			a.put(t, "sum", "hello", "", `, "crc32c": "AAAAAA=="`).is(t, 400)
			a.send(t, http.MethodGet, a.path("sum"), nil, "").is(t, 404)
			a.put(t, "sum", "hello", "", `, "crc32c": "mnG7TA=="`).is(t, 200)
		},
		"list": func(t *testing.T, a *api) {
			for _, name := range []string{"l/b", "l/a", "l/d/1", "l/d/2", "l/c", "other"} {
				a.put(t, name, "x", "", "").is(t, 200)
			}
			for query, want := range map[string][]string{
				"prefix=l/":               {"l/a", "l/b", "l/c", "l/d/1", "l/d/2"},
				"prefix=l/d&delimiter=/":  {"l/d/"},
				"prefix=l/d/&delimiter=/": {"l/d/1", "l/d/2"},
				"prefix=none":             nil,
			} {
				for _, size := range []int{1000, 2, 1} {
					if got := a.list(t, query, size); !slices.Equal(got, want) {
						t.Errorf("%s in pages of %d: %q, want %q", query, size, got, want)
					}
				}
			}
		},
		"resumable": func(t *testing.T, a *api) {
			session := a.begin(t, "big", "")
			content := strings.Repeat("0123456789abcdef", 1<<15) // 512 KiB
			half := len(content) / 2
			first := a.send(t, http.MethodPut, session, span(0, half, len(content)), content[:half]).is(t, 308)
			if got, want := first.header.Get("Range"), fmt.Sprintf("bytes=0-%d", half-1); got != want {
				t.Errorf("half sent: Range %q, want %q", got, want)
			}
			a.send(t, http.MethodGet, a.path("big"), nil, "").is(t, 404)
			o := a.send(t, http.MethodPut, session, span(half, len(content), len(content)), content[half:]).object(t)
			if o.Size != fmt.Sprint(len(content)) {
				t.Errorf("the object: %+v", o)
			}
			if got := a.send(t, http.MethodGet, a.path("big")+"?alt=media", nil, "").is(t, 200); got.body != content {
				t.Errorf("the content has %d bytes", len(got.body))
			}
		},
		"resumable with a precondition": func(t *testing.T, a *api) {
			session := a.begin(t, "raced", "&ifGenerationMatch=0")
			a.put(t, "raced", "theirs", "", "").is(t, 200)
			a.send(t, http.MethodPut, session, nil, "mine").is(t, 412)
			if got := a.send(t, http.MethodGet, a.path("raced")+"?alt=media", nil, "").is(t, 200); got.body != "theirs" {
				t.Errorf("the content is %q", got.body)
			}
		},
		"rewrite": func(t *testing.T, a *api) {
			from := a.put(t, "from", "copied", "", `, "metadata": {"k": "v"}`).object(t)
			to := a.path("from") + "/rewriteTo/b/" + a.bucket + "/o/" + url.PathEscape("to/x y")
			got := a.send(t, http.MethodPost, to+"?ifGenerationMatch=0&sourceGeneration="+from.Generation, nil, "").is(t, 200)
			var done struct {
				Done     bool
				Resource object
			}
			if err := json.Unmarshal([]byte(got.body), &done); err != nil || !done.Done || done.Resource.CRC32C != from.CRC32C || done.Resource.Metadata["k"] != "v" {
				t.Errorf("%v: %s", err, got.body)
			}
			a.send(t, http.MethodPost, a.path("none")+"/rewriteTo/b/"+a.bucket+"/o/y", nil, "").is(t, 404)
		},
		"compressed": compressed,
		"compose": func(t *testing.T, a *api) {
			a.put(t, "c1", "one ", "", "").is(t, 200)
			a.put(t, "c2", "two", "", "").is(t, 200)
			body := `{"sourceObjects": [{"name": "c1"}, {"name": "c2"}], "destination": {"contentType": "text/plain"}}`
			a.send(t, http.MethodPost, a.path("c")+"/compose", map[string]string{"Content-Type": "application/json"}, body).is(t, 200)
			if got := a.send(t, http.MethodGet, a.path("c")+"?alt=media", nil, "").is(t, 200); got.body != "one two" {
				t.Errorf("the content is %q", got.body)
			}
		},
	}
}

// strict are cases that Google documents and fake-gcs-server 1.56.1 does not follow. There the sandbox's
// server follows Google.
func strict() map[string]func(*testing.T, *api) {
	return map[string]func(*testing.T, *api){
		// The fake ignores the precondition. See .../json_api/v1/objects/delete and .../objects/rewrite.
		"preconditions": func(t *testing.T, a *api) {
			first := a.put(t, "g", "1", "", "").object(t)
			a.put(t, "g", "2", "", "").is(t, 200)
			a.send(t, http.MethodDelete, a.path("g")+"?ifGenerationMatch="+first.Generation, nil, "").is(t, 412)
			a.send(t, http.MethodPost, a.path("g")+"/rewriteTo/b/"+a.bucket+"/o/g?ifGenerationMatch=0", nil, "").is(t, 412)
		},
		// The fake accepts every name. See cloud.google.com/storage/docs/objects#naming.
		"names": func(t *testing.T, a *api) {
			for _, name := range []string{strings.Repeat("n", 1025), ".", "..", "a\nb", "a\rb", ".well-known/acme-challenge/x"} {
				a.put(t, name, "x", "", "").is(t, 400)
			}
		},
		// The fake repeats a prefix in every page. See .../json_api/v1/objects/list: the prefixes of a page
		// are part of its maxResults.
		"prefixes in pages": func(t *testing.T, a *api) {
			for _, name := range []string{"l/b", "l/a", "l/d/1", "l/d/2", "l/c"} {
				a.put(t, name, "x", "", "").is(t, 200)
			}
			for _, size := range []int{1000, 2, 1} {
				if got, want := a.list(t, "prefix=l/&delimiter=/", size), []string{"l/a", "l/b", "l/c", "l/d/"}; !slices.Equal(got, want) {
					t.Errorf("in pages of %d: %q, want %q", size, got, want)
				}
			}
		},
		// The fake ends an upload when it is asked how much has arrived. See
		// cloud.google.com/storage/docs/performing-resumable-uploads#status-check.
		"how much has arrived": func(t *testing.T, a *api) {
			session := a.begin(t, "big", "")
			content := strings.Repeat("0123456789abcdef", 1<<15)
			half := len(content) / 2
			if got := a.query(t, session, len(content)).header.Get("Range"); got != "" {
				t.Errorf("nothing was sent: Range %q", got)
			}
			a.send(t, http.MethodPut, session, span(0, half, len(content)), content[:half]).is(t, 308)
			if got, want := a.query(t, session, len(content)).header.Get("Range"), fmt.Sprintf("bytes=0-%d", half-1); got != want {
				t.Errorf("half was sent: Range %q, want %q", got, want)
			}
			a.send(t, http.MethodPut, session, span(half, len(content), len(content)), content[half:]).is(t, 200)
		},
	}
}

// list returns all names and prefixes of a list, which it requests in pages.
func (a *api) list(t *testing.T, query string, size int) (names []string) {
	t.Helper()
	for token := ""; ; {
		path := fmt.Sprintf("/storage/v1/b/%s/o?maxResults=%d&%s&pageToken=%s", a.bucket, size, query, url.QueryEscape(token))
		var page struct {
			Items         []object
			Prefixes      []string
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(a.send(t, http.MethodGet, path, nil, "").is(t, 200).body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		names = append(names, page.Prefixes...)
		if token = page.NextPageToken; token == "" {
			slices.Sort(names)
			return names
		}
	}
}

// begin begins a resumable upload, and returns its address.
func (a *api) begin(t *testing.T, name, query string) string {
	t.Helper()
	path := "/upload/storage/v1/b/" + a.bucket + "/o?uploadType=resumable" + query
	session := a.send(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, `{"name": "`+name+`"}`).is(t, 200).header.Get("Location")
	if session == "" {
		t.Fatal("there is no Location")
	}
	return session
}

// query asks how much of an upload has arrived.
func (a *api) query(t *testing.T, session string, size int) answer {
	t.Helper()
	return a.send(t, http.MethodPut, session, map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", size)}, "").is(t, 308)
}

// span is the header of a part of a content.
func span(from, to, size int) map[string]string {
	return map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", from, to-1, size)}
}

// serve serves the buckets in a directory.
func serve(t *testing.T, dir string) *api {
	t.Helper()
	s, err := server.New(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return &api{address: listening.URL, bucket: "data"}
}

// create creates the bucket.
func (a *api) create(t *testing.T) {
	t.Helper()
	a.send(t, http.MethodPost, "/storage/v1/b?project=p", map[string]string{"Content-Type": "application/json"}, `{"name": "`+a.bucket+`"}`).is(t, 200)
}

// TestContract runs the cases with the sandbox's server.
func TestContract(t *testing.T) {
	all := cases()
	maps.Copy(all, strict())
	for name, run := range all {
		t.Run(name, func(t *testing.T) {
			a := serve(t, t.TempDir())
			a.create(t)
			run(t, a)
		})
	}
}

// TestContractOfFake runs the same cases with fake-gcs-server.
func TestContractOfFake(t *testing.T) {
	address := testenv.CloudStorage(t)
	n := 0
	for name, run := range cases() {
		n++
		a := &api{address: address, bucket: fmt.Sprintf("data-%d", n)}
		t.Run(name, func(t *testing.T) {
			a.create(t)
			run(t, a)
		})
	}
}
