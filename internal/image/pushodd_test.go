package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/silence"
)

// A registry that takes no blob from another repository gets it.
func testRefusesMounts(t *testing.T, f *faults, r *Registry, named func() *Image) {
	for _, code := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		refused := false
		f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || r.URL.Query().Get("mount") == "" {
				return false
			}
			refused = true
			w.WriteHeader(code)
			return true
		})
		i := named()
		if _, err := r.Push(t.Context(), i.Recipe, []string{"v1"}, nil); err != nil || !refused {
			t.Errorf("%d: %v; asked to mount: %t", code, err, refused)
		}
		f.during(nil)
		wantComplete(t, r, i)
	}
}

// A registry that knows no HEAD is asked with GET, for bases, blobs and tags.
func testKnowsNoHead(t *testing.T, f *faults, r *Registry, dir string) {
	f.during(nil)
	spec := filesSpec(dir, "src/part0/file0.py")
	spec.Base = pushBase(t, r, "bases/headless", v1.Platform{OS: "linux", Architecture: "amd64"})
	spec.Name = "team/headless"
	f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodHead
	})
	defer f.during(nil)
	for _, upToDate := range []bool{false, true} {
		recipe, err := Prepare(t.Context(), spec, r)
		must(t, err)
		thorough := *r
		thorough.Verify = true
		pushed, err := thorough.Push(t.Context(), recipe, []string{"v1"}, nil)
		must(t, err)
		if pushed.UpToDate != upToDate {
			t.Errorf("%+v", pushed)
		}
	}
}

// An upload that the registry does not know any more begins anew; where that is no
// use, the whole is sent in one request.
func testLosesUploads(t *testing.T, f *faults, r *Registry) {
	dir := files{"model.bin": strings.Repeat("0123456789abcdef", memoryLimit/16+1)}.write(t)
	for what, times := range map[string]int{"once": 1, "always": 1 << 20} {
		s := filesSpec(dir, "model.bin")
		s.Name = "team/lost-" + what
		f.during(nil)
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		recipe.ledger = openLedger(t.TempDir())
		patches := 0
		f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			if patches++; patches > times {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusNotFound)
			return true
		})
		pushed, err := r.Push(t.Context(), recipe, []string{"v1"}, nil)
		f.during(nil)
		must(t, err)
		there, err := remote.Image(pushed.Reference, r.options(t.Context())...)
		must(t, err)
		must(t, validate.Image(there))
	}
}

// A registry that answers every third request with 429, and says when it wants to be
// asked again, is waited for, and it is said.
func testBusy(t *testing.T, f *faults, r *Registry, i *Image) {
	var mu sync.Mutex
	var pauses []time.Duration
	var told []string
	busy := *r
	busy.Pause = func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		pauses = append(pauses, d)
		return nil
	}
	busy.Waiting = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	}
	f.during(func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n > 8 && n%3 > 0 { // and a while all of them
			return false
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	_, err := busy.Push(t.Context(), i.Recipe, []string{"v1"}, nil)
	f.during(nil)
	must(t, err)
	wantComplete(t, r, i)
	if len(pauses) < 8 || len(told) != len(pauses) || !strings.Contains(told[0], "(429 Too Many Requests)") || !strings.Contains(told[0], "in 7s") {
		t.Errorf("pauses %v, told %q", pauses, told)
	}
	for _, pause := range pauses {
		if pause != 7*time.Second {
			t.Errorf("waited for %v", pause)
		}
	}
}

// Where an upload goes on is looked at before anything is sent there.
func TestLocation(t *testing.T) {
	for location, want := range map[string]bool{
		"/v2/elsewhere": true, "//%s/v2/x": true, "https://storage.example.com/x?signature=canary": true, "http://storage.example.com/x": true,
		"http://169.254.169.254/latest/meta-data/": false, "http://192.168.1.1/": false, "http://10.0.0.1/": false, "http://[::1]/": false,
		"http://[fe80::1%%25eth0]/": false, "http://[::ffff:10.0.0.1]/": false, "http://localhost/": false, "http://0x0a000001/": false,
		"http://167772161/": false, "http://10.1/": false, "http://0.0.0.0/": false, "ftp://storage.example.com/": false, "file:///etc/passwd": false,
	} {
		asked := 0
		var mu sync.Mutex
		transport := tripper(func(request *http.Request) (*http.Response, error) {
			if request.URL.Scheme != "http" && request.URL.Path == "/v2/" {
				return nil, io.ErrUnexpectedEOF
			}
			mu.Lock()
			defer mu.Unlock()
			response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: request}
			switch request.Method {
			case http.MethodPost:
				response.StatusCode = http.StatusAccepted
				to := location
				if strings.Contains(to, "%s") {
					to = fmt.Sprintf(to, request.URL.Host)
				}
				response.Header.Set("Location", strings.ReplaceAll(to, "%%", "%"))
			case http.MethodPut:
				asked++
				response.StatusCode = http.StatusCreated
			}
			return response, nil
		})
		r := &Registry{Prefix: "127.0.0.1:9/acme", NameOptions: at127("").NameOptions, Transport: transport, Pause: at127("").Pause}
		repository, err := r.Reference("train")
		must(t, err)
		w, err := r.dial(t.Context(), repository, pushScope)
		must(t, err)
		err = r.document(t.Context(), w, []byte("layer"), &meter{})
		if (err == nil) != want || (asked > 0) != want {
			t.Errorf("%s: %v, and %d requests", location, err, asked)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "is refused")) {
			t.Errorf("%s: %v", location, err)
		}
	}
	secure := &url.URL{Scheme: "https", Host: "gcr.io"}
	if checkAddress(secure, &url.URL{Scheme: "http", Host: "gcr.io"}) == nil {
		t.Error("an upload leaves TLS")
	}
}

// A registry that takes the connection and never answers is an error, once.
func TestSilentRegistry(t *testing.T) {
	over := make(chan struct{})
	r := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer close(over)
	r.limits = silence.Limits{Answer: 50 * time.Millisecond, Part: time.Minute, Pace: 1}
	r.Pause = func(context.Context, time.Duration) error { return errors.New("it is tried again") }
	made, err := Prepare(t.Context(), filesSpec(files{"a": "1"}.write(t), "a"), nil)
	must(t, err)
	_, err = r.Push(t.Context(), made, []string{"v1"}, nil)
	if silent := new(silence.Error); !errors.As(err, &silent) || !strings.Contains(err.Error(), "did not answer within 50ms") || !strings.Contains(err.Error(), "acme/ml/train") {
		t.Errorf("%v", err)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
