package transfer_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestParallel lets no request for content end before there are sixteen: a sync that copies one file after the other
// never has so many.
func TestParallel(t *testing.T) {
	const files = 16
	b, dir := serve(t), t.TempDir()
	from, back := filepath.Join(dir, "from"), filepath.Join(dir, "back")
	all := map[string]string{}
	for n := range files {
		all[fmt.Sprint(n)] = fmt.Sprint("content ", n)
	}
	write(t, from, all)
	for _, pair := range [][2]string{{from, "gs://data"}, {"gs://data", "gs://other"}, {"gs://other", back}} {
		var waiting atomic.Int64
		together := make(chan struct{})
		b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o") { // a list
				return next.RoundTrip(r)
			}
			if waiting.Add(1) == files {
				close(together)
			}
			select {
			case <-together:
			case <-time.After(20 * time.Second):
				t.Errorf("%s to %s: only %d requests at once", pair[0], pair[1], waiting.Load())
			}
			return next.RoundTrip(r)
		}
		if _, err := b.sync(t, pair[0], pair[1], t.TempDir(), nil); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, all, read(t, back))
}
