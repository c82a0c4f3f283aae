package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// TestContract checks what this package promises with every registry. What a push of an
// image promises is the contract of internal/image.
func TestContract(t *testing.T) {
	t.Parallel()
	registrytest.Each(t, func(t *testing.T, _ string, h http.Handler) {
		f := &registrytest.Faults{Next: h}
		c := serve(t, f)
		t.Run("Streams", func(t *testing.T) { testStreams(t, f, c) })
		t.Run("WrongDigests", func(t *testing.T) { testWrongDigests(t, f, c) })
		t.Run("RefusesMounts", func(t *testing.T) { testRefusesMounts(t, f, c) })
		t.Run("KnowsNoHead", func(t *testing.T) { testWithoutHead(t, f, c) })
		t.Run("LosesUploads", func(t *testing.T) { testLosesUploads(t, f, c) })
		t.Run("Busy", func(t *testing.T) { testBusy(t, f, c) })
		t.Run("PassingFaults", func(t *testing.T) { testTemporaryErrors(t, f, c) })
		t.Run("ImmutableTag", func(t *testing.T) { testImmutable(t, f, c) })
		t.Run("List", func(t *testing.T) { testList(t, f, c) })
	})
}

// A blob that is too large to be made in memory is uploaded while it is made. A registry
// that needs to know the size first gets the blob from a file.
func testStreams(t *testing.T, f *registrytest.Faults, c *Client) {
	once := func(act func(http.ResponseWriter, *http.Request)) registrytest.Intercept {
		var once sync.Once
		return func(_ int, w http.ResponseWriter, r *http.Request) (answered bool) {
			if r.Method == http.MethodPatch {
				once.Do(func() {
					answered = true
					act(w, r)
				})
			}
			return answered
		}
	}
	for what, act := range map[string]registrytest.Intercept{
		"streamed": nil,
		"refused": func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusLengthRequired)
			return true
		},
		"reset once": once(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			registrytest.Reset(w, r)
		}),
		"wrong range": once(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Range", "0-17")
			w.Header().Set("Location", r.URL.String())
			w.WriteHeader(http.StatusAccepted)
		}),
	} {
		image := "large-" + strings.ReplaceAll(what, " ", "-")
		s := newSample(t)
		s.expected = MemoryLimit + 1
		f.InterceptWith(act)
		_, err := s.push(t.Context(), c, image, "v1")
		requests, _ := f.Log()
		f.InterceptWith(nil)
		must(t, err)
		if !slices.ContainsFunc(requests, func(s string) bool { return strings.HasPrefix(s, "PATCH ") }) {
			t.Errorf("%s: nothing is streamed: %v", what, requests)
		}
		wantTags(t, c, image, "v1")
	}
	s := newSample(t)
	s.expected = MemoryLimit + 1
	repository, err := c.Reference("unmade")
	must(t, err)
	to, err := c.Open(t.Context(), repository, Push)
	must(t, err)
	reason, calls := errors.New("it cannot be made"), 0
	for _, expected := range []int64{1, MemoryLimit + 1} {
		err = to.UploadStream(t.Context(), Stream{Expected: expected, Write: func(context.Context, io.Writer) (digest v1.Hash, size int64, err error) {
			calls++
			return digest, 0, reason
		}})
		if making := new(ContentError); !errors.As(err, &making) || !errors.Is(err, reason) {
			t.Errorf("%v", err)
		}
	}
	if calls != 2 {
		t.Errorf("it is made %d times", calls)
	}
}

// A response with the wrong digest is an error.
func testWrongDigests(t *testing.T, f *registrytest.Faults, c *Client) {
	wrong := "sha256:" + strings.Repeat("0", 64)
	for what, path := range map[string]string{"blob": "/blobs/uploads/", "manifest": "/manifests/"} {
		f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, path) {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set(digestHeader, wrong)
			w.WriteHeader(http.StatusCreated)
			return true
		})
		_, err := newSample(t).push(t.Context(), c, "wrong-"+what, "v1")
		var digest *digestError
		if !errors.As(err, &digest) {
			t.Errorf("%s: %v", what, err)
		}
		f.InterceptWith(nil)
		wantTags(t, c, "wrong-"+what)
	}
}

// If a registry refuses to mount a blob, the blob is uploaded.
func testRefusesMounts(t *testing.T, f *registrytest.Faults, c *Client) {
	for _, code := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		refused := false
		f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || r.URL.Query().Get("mount") == "" {
				return false
			}
			refused = true
			w.WriteHeader(code)
			return true
		})
		image := fmt.Sprintf("unmounted-%d", code)
		if _, err := newSample(t).push(t.Context(), c, image, "v1"); err != nil || !refused {
			t.Errorf("%d: %v; asked to mount: %t", code, err, refused)
		}
		f.InterceptWith(nil)
		wantTags(t, c, image, "v1")
	}
}

// A registry that does not support HEAD is asked with GET, for references, blobs and tags.
func testWithoutHead(t *testing.T, f *registrytest.Faults, c *Client) {
	f.InterceptWith(nil)
	s := newSample(t)
	pushed, err := s.push(t.Context(), c, "headless", "v1")
	must(t, err)
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodHead
	})
	defer f.InterceptWith(nil)
	digest, err := c.DigestFor(t.Context(), pushed.Context().Tag("v1"))
	if err != nil || digest.String() != pushed.DigestStr() {
		t.Errorf("%s, %v", digest, err)
	}
	at, err := c.Open(t.Context(), pushed.Context(), Pull)
	must(t, err)
	m, err := at.Manifest(t.Context(), "v1")
	must(t, err)
	for blob, want := range map[v1.Hash]bool{m.Layers[0].Digest: true, digest: false} {
		if there, err := at.Has(t.Context(), blob, m.Layers[0].Size); err != nil || there != want {
			t.Errorf("%s: %t, %v", blob, there, err)
		}
	}
	for tag, want := range map[string]bool{"v1": true, "v2": false} {
		if there, err := at.PointsTo(t.Context(), tag, digest); err != nil || there != want {
			t.Errorf("%s: %t, %v", tag, there, err)
		}
	}
}

// An upload that the registry has lost begins again. If that fails too, the blob is sent in
// one request.
func testLosesUploads(t *testing.T, f *registrytest.Faults, c *Client) {
	for what, times := range map[string]int{"once": 1, "always": 1 << 20} {
		s := newSample(t)
		s.expected = MemoryLimit + 1
		patches := 0
		f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
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
		_, err := s.push(t.Context(), c, "lost-"+what, "v1")
		f.InterceptWith(nil)
		must(t, err)
		wantTags(t, c, "lost-"+what, "v1")
	}
}

// A registry that responds to many requests with 429 and Retry-After is waited for, and the
// wait is reported.
func testBusy(t *testing.T, f *registrytest.Faults, c *Client) {
	var mu sync.Mutex
	var pauses []time.Duration
	var told []string
	busy := *c
	busy.Pause = func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		pauses = append(pauses, d)
		return nil
	}
	busy.OnWait = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	}
	f.InterceptWith(func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n > 8 && n%3 > 0 { // the first 8 requests are all refused
			return false
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	_, err := newSample(t).push(t.Context(), &busy, "busy", "v1")
	f.InterceptWith(nil)
	must(t, err)
	wantTags(t, c, "busy", "v1")
	if len(pauses) < 8 || len(told) != len(pauses) || !strings.Contains(told[0], "(429 Too Many Requests)") || !strings.Contains(told[0], "in 7s") {
		t.Errorf("pauses %v, told %q", pauses, told)
	}
	for _, pause := range pauses {
		if pause != 7*time.Second {
			t.Errorf("waited for %v", pause)
		}
	}
}

func testTemporaryErrors(t *testing.T, f *registrytest.Faults, c *Client) {
	for _, code := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		var turn sync.Mutex
		seen := map[string]int{}
		f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
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
		patient := *c
		patient.Pause = func(_ context.Context, d time.Duration) error {
			turn.Lock()
			defer turn.Unlock()
			pauses = append(pauses, d)
			return nil
		}
		image := fmt.Sprintf("passing-%d", code)
		_, err := newSample(t).push(t.Context(), &patient, image, "v1")
		f.InterceptWith(nil)
		must(t, err)
		wantTags(t, c, image, "v1")
		if len(pauses) == 0 || slices.Min(pauses) < timeouts.FirstPause || slices.Max(pauses) <= timeouts.FirstPause {
			t.Errorf("%d: the pauses do not grow: %v", code, pauses)
		}
	}
	// An error that persists is returned, and says what was being done.
	f.InterceptWith(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	_, err := newSample(t).push(t.Context(), c, "down", "v1")
	if requests, _ := f.Log(); err == nil || !strings.Contains(err.Error(), "acme/ml/down") || len(requests) != 5 {
		t.Errorf("%v after %d requests; want 5", err, len(requests))
	}
	f.InterceptWith(nil)
}

func testImmutable(t *testing.T, f *registrytest.Faults, c *Client) {
	s := newSample(t)
	_, err := s.push(t.Context(), c, "immutable", "v1")
	must(t, err)
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/v1") {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		return true
	})
	defer f.InterceptWith(nil)
	_, err = s.push(t.Context(), c, "immutable", "v1")
	must(t, err)
	_, err = newSample(t).push(t.Context(), c, "immutable", "v1")
	if err == nil || !strings.Contains(err.Error(), "immutable:v1") || !strings.Contains(err.Error(), "the tag may be immutable") {
		t.Errorf("%v", err)
	}
}

func testList(t *testing.T, f *registrytest.Faults, c *Client) {
	f.InterceptWith(nil)
	lister := *c
	lister.Prefix += "/listed"
	older, newer := newSample(t), newSample(t)
	created := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	newer.artifacts = []Artifact{{Type: "application/spdx+json", Document: []byte("{}"), Annotations: map[string]string{"org.opencontainers.image.created": created.Format(time.RFC3339)}}}
	first, err := older.push(t.Context(), &lister, "train", "v1", "slipway-own")
	must(t, err)
	second, err := newer.push(t.Context(), &lister, "train", "v2", "latest")
	must(t, err)
	repository := lister.Prefix + "/train"
	want := []Listed{
		{Repository: repository, Digest: second.DigestStr(), Tags: []string{"latest", "v2"}, Created: created},
		{Repository: repository, Digest: first.DigestStr(), Tags: []string{"v1"}},
	}
	for what, names := range map[string][]string{"by name": {"train", "never-pushed"}, "all": nil} {
		got, err := lister.List(t.Context(), names)
		must(t, err)
		for n := range got {
			if got[n].Size < 20<<10 {
				t.Errorf("%s: %+v", what, got[n])
			}
			got[n].Size = 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}
