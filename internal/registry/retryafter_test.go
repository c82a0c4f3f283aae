package registry

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// TestRetryAfter checks all formats of the Retry-After header.
func TestRetryAfter(t *testing.T) {
	date := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) // far from the clock of this machine
	for after, want := range map[string]time.Duration{
		"":                     timeouts.FirstPause,
		"7":                    7 * time.Second,
		"0":                    timeouts.FirstPause,
		"600":                  10 * time.Minute,
		"601":                  0,
		"99999999999999999999": timeouts.FirstPause,
		"-5":                   timeouts.FirstPause,
		"soon":                 timeouts.FirstPause,
		date.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		date.Add(-9 * time.Second).Format(http.TimeFormat): timeouts.FirstPause,
		date.Add(9 * time.Hour).Format(http.TimeFormat):    0,
	} {
		for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			busy := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/manifests/v1") && busy == 0 {
					busy++
					w.Header()["Retry-After"] = []string{after}
					w.Header().Set("Date", date.Format(http.TimeFormat))
					w.WriteHeader(code)
					return
				}
				_, _ = w.Write([]byte("{}"))
			}))
			var pauses []time.Duration
			r := &Client{Prefix: strings.TrimPrefix(server.URL, "http://"), NameOptions: []name.Option{name.Insecure},
				Pause: func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }}
			repository, err := r.Reference("train")
			must(t, err)
			at, err := r.Open(t.Context(), repository, Pull)
			must(t, err)
			_, err = at.Manifest(t.Context(), "v1")
			server.Close()
			if want == 0 { // too long to wait for
				if len(pauses) > 0 || Status(err) != code {
					t.Errorf("%d with Retry-After %q: %v, and the pauses are %v", code, after, err, pauses)
				}
				continue
			}
			must(t, err)
			if !slices.Equal(pauses, []time.Duration{want}) {
				t.Errorf("%d with Retry-After %q: the pauses are %v, want %s", code, after, pauses, want)
			}
		}
	}
}
