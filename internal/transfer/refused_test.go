package transfer_test

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestRefusedPlace has Cloud Storage refuse what a sync does after both places were listed. The error names the
// bucket that is refused.
func TestRefusedPlace(t *testing.T) {
	const reads, writes, copies = "GET /o/a", "POST /upload", "POST /rewriteTo"
	for name, test := range map[string]struct {
		from, to string // "" is a directory of this machine
		refuse   map[string]int
		want     string // "" is an object that vanished
	}{
		"an upload":                     {"", "gs://other", map[string]int{writes: 403}, "gs://other"},
		"a download":                    {"gs://data", "", map[string]int{reads: 403}, "gs://data"},
		"the source of a copy":          {"gs://data", "gs://other", map[string]int{copies: 403, reads: 403}, "gs://data"},
		"the target of a copy":          {"gs://data", "gs://other", map[string]int{copies: 403}, "gs://other"},
		"the bucket of a copy vanished": {"gs://data", "gs://other", map[string]int{copies: 404}, "gs://other"},
		"the object of a copy vanished": {"gs://data", "gs://other", map[string]int{copies: 404, reads: 404}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t)
			put(t, b, "a", "content")
			b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
				for what, code := range test.refuse {
					if method, part, _ := strings.Cut(what, " "); r.Method == method && strings.Contains(r.URL.Path, part) {
						body := io.NopCloser(strings.NewReader(`{"error": {"message": "no"}}`))
						return &http.Response{StatusCode: code, Header: http.Header{}, Body: body, Request: r}, nil
					}
				}
				return next.RoundTrip(r)
			}
			dir := t.TempDir()
			from, to := test.from, test.to
			if from == "" {
				from = filepath.Join(dir, "from")
				write(t, from, map[string]string{"b": "content"})
			}
			if to == "" {
				to = filepath.Join(dir, "to")
			}
			_, err := b.sync(t, from, to, t.TempDir(), nil)
			at := new(transfer.PlaceError)
			if named := errors.As(err, &at); named != (test.want != "") || named && at.Place.Text != test.want {
				t.Fatalf("it returned %v, about %q; want %q", err, at.Place.Text, test.want)
			}
			if test.want == "" && !errors.As(err, new(*transfer.ChangedError)) {
				t.Errorf("it returned %v", err)
			}
			if text := transfer.Explain(t.Context(), b.Client, err, place(t, "gs://unrelated")).Error(); !strings.Contains(text, test.want) || strings.Contains(text, "unrelated") {
				t.Errorf("it is explained as %s", text)
			}
		})
	}
}
