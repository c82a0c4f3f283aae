package transfer_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// syncAndKill runs the test in a process of its own, in which syncIfKilled syncs and kills it.
func (b *buckets) syncAndKill(t *testing.T, from, to, cache string) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), "TRANSFER_SYNC="+b.Address, "TRANSFER_FROM="+from, "TRANSFER_TO="+to, "TRANSFER_CACHE="+cache)
	if out, err := command.CombinedOutput(); err == nil || strings.Contains(string(out), "not killed") {
		t.Fatalf("%v: %s", err, out)
	}
}

// syncIfKilled does nothing unless syncAndKill has started this process. Then it syncs, and kills the process when
// the sync has come so far.
func syncIfKilled(t *testing.T, far func(transfer.Progress) bool) {
	t.Helper()
	at := os.Getenv("TRANSFER_SYNC")
	if at == "" {
		return
	}
	b := &buckets{Client: &storage.Client{Address: at, Transport: http.DefaultTransport, Pause: func(context.Context, time.Duration) error { return nil }}}
	_, err := b.sync(t, os.Getenv("TRANSFER_FROM"), os.Getenv("TRANSFER_TO"), os.Getenv("TRANSFER_CACHE"), func(o *transfer.Options) {
		o.Progress = func(p transfer.Progress) {
			if far(p) {
				process, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = process.Kill()
				}
				t.Error(err)
				select {}
			}
		}
	})
	t.Fatalf("it was not killed: %v", err)
}

// TestKilledBetweenFiles kills a sync of many files. The next one moves none again that is there.
func TestKilledBetweenFiles(t *testing.T) {
	syncIfKilled(t, func(p transfer.Progress) bool { return p.Files == 20 })
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	from, back := filepath.Join(dir, "from"), filepath.Join(dir, "back")
	files := map[string]string{}
	for n := range 60 {
		files[fmt.Sprintf("%02d", n)] = strings.Repeat("x", n)
	}
	write(t, from, files)
	for _, pair := range [][2]string{{from, "gs://data"}, {"gs://data", back}} {
		b.syncAndKill(t, pair[0], pair[1], cache)
		there := 0
		for entry, err := range b.List(t.Context(), "data", "", "") {
			if err != nil {
				t.Fatal(err)
			}
			if pair[1] == back {
				if _, err := os.Stat(filepath.Join(back, entry.Name)); err != nil {
					continue
				}
			}
			there++
		}
		if there < 20 || there == len(files) {
			t.Fatalf("to %s: %d files were there after the kill", pair[1], there)
		}
		s, err := b.sync(t, pair[0], pair[1], cache, nil)
		if err != nil || s.Unchanged < there || len(s.Changes)+s.Unchanged != len(files) { // what was under way may have arrived since
			t.Errorf("to %s: %d were there, and then %+v, %v", pair[1], there, s, err)
		}
	}
	equal(t, files, read(t, back))
}

// TestAbandoned changes a file whose upload was interrupted. The next sync ends the former upload, and leaves
// nothing of it here or in the bucket.
func TestAbandoned(t *testing.T) {
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"big": strings.Repeat("a", 2<<20), "other": strings.Repeat("b", 2<<20)})
	var mu sync.Mutex
	var ended []string
	ctx, cancel := context.WithCancel(t.Context())
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		switch r.Method {
		case http.MethodPut:
			cancel()
		case http.MethodDelete:
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, r.URL.Query().Get("upload_id"))
		}
		return next.RoundTrip(r)
	}
	o := transfer.Options{From: place(t, dir), To: place(t, "gs://data"), Client: b.Client, CacheDir: cache}
	if _, err := transfer.Sync(ctx, o); err == nil {
		t.Fatal("it was not interrupted")
	}
	left, _ := filepath.Glob(filepath.Join(cache, "upload-*"))
	if len(left) == 0 {
		t.Fatal("no upload is to go on")
	}
	write(t, dir, map[string]string{"big": "small now", "other": strings.Repeat("c", 2<<20)})
	if _, err := transfer.Sync(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if now, _ := filepath.Glob(filepath.Join(cache, "upload-*")); len(now) > 0 || len(ended) != len(left) {
		t.Errorf("%d uploads were begun, %q were ended, and %q is left", len(left), ended, now)
	}
	for _, id := range ended {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.Address+"/upload/storage/v1/b/data/o?uploadType=resumable&upload_id="+id, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("upload %s goes on: %s", id, response.Status)
		}
	}
}
