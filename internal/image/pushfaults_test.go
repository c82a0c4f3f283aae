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
	"github.com/slipway-ci/slipway/internal/testbed"
)

// A registry that says that it has something else is not believed.
func testWrongDigests(t *testing.T, f *faults, r *Registry, named func() *Image) {
	wrong := "sha256:" + strings.Repeat("0", 64)
	for what, path := range map[string]string{"blob": "/blobs/uploads/", "manifest": "/manifests/"} {
		f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, path) {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set(digestHeader, wrong)
			w.WriteHeader(http.StatusCreated)
			return true
		})
		i := named()
		_, err := r.Push(t.Context(), i.Recipe, []string{"v1"}, nil)
		var digest *digestError
		if !errors.As(err, &digest) {
			t.Errorf("%s: %v", what, err)
		}
		f.during(nil)
		if tags := wantComplete(t, r, i); len(tags) > 0 {
			t.Errorf("%s: tags %v", what, tags)
		}
	}
}

// lose makes a registry deny that it has a blob until it is sent again.
func lose(f *faults, digest v1.Hash) {
	var again atomic.Bool
	f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
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

// A registry that has manifest and tag, and has lost a blob, gets it again when it
// is asked for all.
func testLostBlob(t *testing.T, f *faults, r *Registry, i *Image) {
	pushAll(t, r, i, "v1")
	lost := layerDigests(t, i)[0]
	lose(f, lost)
	thorough := *r
	thorough.Verify = true
	pushed := pushAll(t, &thorough, i, "v1")
	requests, _ := f.log()
	if pushed.UpToDate || pushed.BytesSent == 0 || !slices.ContainsFunc(requests, func(s string) bool { return strings.HasPrefix(s, "PUT ") }) {
		t.Errorf("the lost blob was not sent: %+v", pushed)
	}
	f.during(nil)
	if !pushAll(t, &thorough, i, "v1").UpToDate {
		t.Error("it is not up to date then")
	}
}

// A blob that was there when it was asked for, and is not when the manifest
// comes, is sent again.
func testVanishing(t *testing.T, f *faults, r *Registry, i *Image) {
	var refused atomic.Int32 // the tags are written at the same time
	f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") || !refused.CompareAndSwap(0, 1) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`))
		return true
	})
	pushAll(t, r, i, "v1")
	if requests, _ := f.log(); refused.Load() != 1 {
		t.Errorf("it was never refused: %v", requests)
	}
	f.during(nil)
	wantComplete(t, r, i)
}

func testPassingFaults(t *testing.T, f *faults, r *Registry, named func() *Image) {
	for _, code := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		i := named()
		var turn sync.Mutex
		seen := map[string]int{}
		f.during(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			turn.Lock()
			defer turn.Unlock()
			if r.Method == http.MethodPut || r.Method == http.MethodPost || r.Method == http.MethodHead {
				key := r.Method + strings.SplitN(r.URL.Path, "/uploads/", 2)[0]
				if seen[key]++; seen[key] <= 2 && r.Method != http.MethodPost || seen[key] == 1 {
					w.WriteHeader(code)
					return true
				}
			}
			return false
		})
		var pauses []time.Duration
		patient := *r
		patient.Pause = func(_ context.Context, d time.Duration) error {
			turn.Lock()
			defer turn.Unlock()
			pauses = append(pauses, d)
			return nil
		}
		pushAll(t, &patient, i, "v1")
		f.during(nil)
		if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, i)); diff != "" {
			t.Errorf("%d: %s", code, diff)
		}
		if len(pauses) == 0 || slices.Min(pauses) < firstPause || slices.Max(pauses) <= firstPause {
			t.Errorf("%d: the pauses do not grow: %v", code, pauses)
		}
	}
	// One that does not pass ends, and says what it was about.
	i := named()
	f.during(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	_, err := r.Push(t.Context(), i.Recipe, []string{"v1"}, nil)
	if requests, _ := f.log(); err == nil || !strings.Contains(err.Error(), i.Name) || len(requests) != attempts {
		t.Errorf("%v after %d requests; want %d", err, len(requests), attempts)
	}
	f.during(nil)
}

// The connection is reset at request k, once or from there on, for each k.
func testResets(t *testing.T, f *faults, r *Registry, named func() *Image) {
	f.during(nil)
	pushAll(t, r, named(), "v1", "v2")
	requests, _ := f.log()
	failures, step := 0, 1
	if !testbed.Thorough() {
		step = 3
	}
	for k := 1; k <= len(requests)+1; k += step {
		once := named()
		f.during(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == k {
				reset(w, r)
			}
			return n == k
		})
		if _, err := r.Push(t.Context(), once.Recipe, []string{"v1", "v2"}, nil); err != nil {
			t.Errorf("one reset at request %d: %v", k, err)
		}
		f.during(nil)
		if diff := cmp.Diff([]string{"v1", "v2"}, wantComplete(t, r, once)); diff != "" {
			t.Errorf("one reset at request %d: %s", k, diff)
		}

		down := named()
		f.during(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n >= k {
				reset(w, r)
			}
			return n >= k
		})
		_, err := r.Push(t.Context(), down.Recipe, []string{"v1", "v2"}, nil)
		f.during(nil)
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

// Tags that the registry cannot read any more are written anew.
func testUnreadable(t *testing.T, f *faults, r *Registry, i *Image) {
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
	f.during(broken)
	pushed := pushAll(t, r, i, "v1")
	if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, i)); diff != "" {
		t.Errorf("with %v: %s", pushed, diff)
	}
	if !written["v1"] || !written[inputsTag(i.Inputs)] {
		t.Errorf("the tags that were written are %v", written)
	}
	f.during(nil)
}

// The context ends a push at once, whether it waits for an answer or between
// attempts.
func testCancelled(t *testing.T, f *faults, r *Registry, named func() *Image) {
	for what, act := range map[string]func(cancel func(), w http.ResponseWriter, r *http.Request){
		"hanging": func(cancel func(), _ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a server sees the client go only then
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
			f.during(func(n int, w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet || r.Method == http.MethodHead {
					return false
				}
				act(cancel, w, r)
				return true
			})
			patient := *r
			patient.Pause = func(ctx context.Context, _ time.Duration) error { return clock.Wait(ctx, time.Minute) }
			start := time.Now()
			_, err := patient.Push(ctx, i.Recipe, []string{"v1"}, nil)
			if !errors.Is(err, context.Canceled) || time.Since(start) > 30*time.Second { // a pause takes a minute
				t.Errorf("%v after %v", err, time.Since(start))
			}
			f.during(nil)
			if tags := wantComplete(t, r, i); len(tags) > 0 {
				t.Errorf("tags are %v", tags)
			}
		})
	}
}

func testImmutable(t *testing.T, f *faults, r *Registry, i, other *Image) {
	immutable := func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		return true
	}
	pushAll(t, r, i, "v1")
	// Another process has moved the tag here since it was asked for.
	asked := 0
	f.during(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			if asked++; asked == 1 {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
		}
		return immutable(n, w, r)
	})
	pushAll(t, r, i, "v1")
	f.during(immutable)
	_, err := r.Push(t.Context(), other.Recipe, []string{"v1"}, nil)
	if err == nil || !strings.Contains(err.Error(), other.Name+":v1") || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("%v", err)
	}
	f.during(nil)
}
