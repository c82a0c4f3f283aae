package image

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// lose makes a registry deny that it has a blob until it is sent again.
func lose(f *registrytest.Faults, digest v1.Hash) {
	var again atomic.Bool
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && r.URL.Query().Get("digest") == digest.String() {
			again.Store(true)
		}
		if again.Load() || !strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	})
}

// With Verify, a registry that has the manifest and the tag but has lost a blob gets the
// blob again.
func testLostBlob(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	pushAll(t, r, i, "v1")
	lost := layerDigests(t, i)[0]
	lose(f, lost)
	thorough := *r
	thorough.Verify = true
	pushed := pushAll(t, &thorough, i, "v1")
	requests, _ := f.Log()
	if pushed.UpToDate || pushed.BytesSent == 0 || !slices.ContainsFunc(requests, func(s string) bool { return strings.HasPrefix(s, "PUT ") }) {
		t.Errorf("the lost blob was not sent: %+v", pushed)
	}
	f.InterceptWith(nil)
	if !pushAll(t, &thorough, i, "v1").UpToDate {
		t.Error("it is not up to date then")
	}
}

// A blob that exists when the push asks for it, but not when the manifest is sent, is sent
// again.
func testBlobsVanish(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	var refused atomic.Int32 // the tags are written concurrently
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") || !refused.CompareAndSwap(0, 1) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`))
		return true
	})
	pushAll(t, r, i, "v1")
	if requests, _ := f.Log(); refused.Load() != 1 {
		t.Errorf("it was never refused: %v", requests)
	}
	f.InterceptWith(nil)
	wantComplete(t, r, i)
}

// testResets resets the connection at request k, once or from there on, for each k.
func testResets(t *testing.T, f *registrytest.Faults, r *registry.Client, named func() *Image) {
	f.InterceptWith(nil)
	pushAll(t, r, named(), "v1", "v2")
	requests, _ := f.Log()
	failures, step := 0, 1
	if !testenv.Thorough() {
		step = 3
	}
	for k := 1; k <= len(requests)+1; k += step {
		once := named()
		f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == k {
				registrytest.Reset(w, r)
			}
			return n == k
		})
		if _, err := Push(t.Context(), r, once.Recipe, []string{"v1", "v2"}, nil); err != nil {
			t.Errorf("one reset at request %d: %v", k, err)
		}
		f.InterceptWith(nil)
		if diff := cmp.Diff([]string{"v1", "v2"}, wantComplete(t, r, once)); diff != "" {
			t.Errorf("one reset at request %d: %s", k, diff)
		}

		down := named()
		f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n >= k {
				registrytest.Reset(w, r)
			}
			return n >= k
		})
		_, err := Push(t.Context(), r, down.Recipe, []string{"v1", "v2"}, nil)
		f.InterceptWith(nil)
		tags := wantComplete(t, r, down)
		if err == nil && len(tags) != 2 {
			t.Errorf("resets from request %d on: no error, and tags %v", k, tags)
		}
		if err != nil {
			failures++
		}
		pushAll(t, r, down, "v1", "v2")
		if diff := cmp.Diff([]string{"v1", "v2"}, wantComplete(t, r, down)); diff != "" {
			t.Errorf("after resets from request %d on: %s", k, diff)
		}
	}
	if failures < len(requests)/2/step {
		t.Errorf("%d of %d pushes failed: the faults do not reach them", failures, len(requests))
	}
}

// Tags that the registry cannot read are written again.
func testUnreadable(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	pushAll(t, r, i, "v1")
	var mu sync.Mutex
	written := map[string]bool{}
	broken := func(_ int, w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		switch _, reference, isManifest := strings.Cut(r.URL.Path, "/manifests/"); {
		case !isManifest || strings.Contains(reference, ":"):
		case r.Method == http.MethodPut:
			written[reference] = true
		case !written[reference]:
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{}}]}`)
			return true
		}
		return false
	}
	f.InterceptWith(broken)
	pushed := pushAll(t, r, i, "v1")
	if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, i)); diff != "" {
		t.Errorf("with %v: %s", pushed, diff)
	}
	if !written["v1"] || !written[inputsTag(i.Inputs)] {
		t.Errorf("the tags that were written are %v", written)
	}
	f.InterceptWith(nil)
}

// Cancelling the context ends a push at once, whether it waits for a response or between
// attempts.
func testCancelled(t *testing.T, f *registrytest.Faults, r *registry.Client, named func() *Image) {
	for what, act := range map[string]func(cancel func(), w http.ResponseWriter, r *http.Request){
		"hanging": func(cancel func(), _ http.ResponseWriter, r *http.Request) {
			// Only then does the server notice that the client is gone.
			_, _ = io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		},
		"failing": func(cancel func(), w http.ResponseWriter, _ *http.Request) {
			time.AfterFunc(20*time.Millisecond, cancel)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	} {
		t.Run(what, func(t *testing.T) {
			i := named()
			ctx, cancel := context.WithCancel(t.Context())
			f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet || r.Method == http.MethodHead {
					return false
				}
				act(cancel, w, r)
				return true
			})
			patient := *r
			patient.Pause = func(ctx context.Context, _ time.Duration) error { return clock.Sleep(ctx, time.Minute) }
			start := time.Now()
			_, err := Push(ctx, &patient, i.Recipe, []string{"v1"}, nil)
			if !errors.Is(err, context.Canceled) || time.Since(start) > 30*time.Second { // a pause takes a minute
				t.Errorf("%v after %v", err, time.Since(start))
			}
			f.InterceptWith(nil)
			if tags := wantComplete(t, r, i); len(tags) > 0 {
				t.Errorf("tags are %v", tags)
			}
		})
	}
}

func testImmutable(t *testing.T, f *registrytest.Faults, r *registry.Client, i, other *Image) {
	immutable := func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		return true
	}
	pushAll(t, r, i, "v1")
	// Another process moves the tag to this image after the push has asked for it.
	asked := 0
	f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			if asked++; asked == 1 {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
		}
		return immutable(n, w, r)
	})
	pushAll(t, r, i, "v1")
	f.InterceptWith(immutable)
	_, err := Push(t.Context(), r, other.Recipe, []string{"v1"}, nil)
	if err == nil || !strings.Contains(err.Error(), other.Name+":v1") || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("%v", err)
	}
	f.InterceptWith(nil)
}
