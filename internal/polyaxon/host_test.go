package polyaxon

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/slipway-ci/slipway/internal/secret"
)

// TestTokenStaysWithItsHost has a server redirect each request to another host, which
// must not receive the token. It also checks that New rejects a missing or invalid host.
func TestTokenStaysWithItsHost(t *testing.T) {
	asked := 0
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; _, _ = w.Write([]byte(`{"uuid": "a"}`)) }))
	defer thief.Close()
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL+r.URL.Path, code) }))
		c, err := New(Options{Host: server.URL, Token: secret.NewValue([]byte("a-token"))})
		if err != nil {
			t.Fatal(err)
		}
		for name, do := range every(c) {
			if err := do(); err == nil {
				t.Errorf("%s at %d: no error", name, code)
			}
		}
		server.Close()
	}
	if asked > 0 {
		t.Errorf("the other host was asked %d times", asked)
	}
	for _, host := range []string{"", "polyaxon.example", "ftp://polyaxon.example", "https://me:pw@polyaxon.example", "https://polyaxon.example?x=1"} {
		if _, err := New(Options{Host: host}); err == nil {
			t.Errorf("%q is a host", host)
		}
	}
}
