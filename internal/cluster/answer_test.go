package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// TestTokenStaysWithItsServer has an API server redirect each request to another host, in each
// way in which HTTP does. The other host must not be asked, neither with the token nor without.
func TestTokenStaysWithItsServer(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		t.Errorf("%s %s is asked for, with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		for _, to := range []string{other.URL + "/", strings.TrimPrefix(other.URL, "http:") + "/", "http://%zz/"} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(code)
			}))
			c, err := Connect(&rest.Config{Host: server.URL, BearerToken: "canary"}, "ml", "test")
			if err != nil {
				t.Fatal(err)
			}
			objects, err := c.Objects()
			if err != nil {
				t.Fatal(err)
			}
			_, kind := objects.RightOn(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"})
			_, review := c.Review(t.Context(), []Right{{Verb: "get", Resource: "secrets"}})
			log, read := c.PodLog(t.Context(), "pod", &corev1.PodLogOptions{})
			if read == nil {
				_ = log.Close()
			}
			for what, err := range map[string]error{"namespace": c.CheckNamespace(t.Context()), "kind": kind, "review": review, "log": read} {
				if away := new(RedirectError); !errors.As(err, &away) || !strings.Contains(err.Error(), "is not followed") {
					t.Errorf("%d to %s: %s: %v", code, to, what, err)
				}
			}
			if connection, err := c.DialPod(t.Context(), "pod", 80); err == nil {
				_ = connection.Close()
				t.Errorf("%d to %s: a port is forwarded", code, to)
			}
			server.Close()
		}
	}
}

// TestRedirectsOfOneServer checks which redirects are followed.
func TestRedirectsOfOneServer(t *testing.T) {
	for _, test := range []struct {
		from, to string
		leads    bool
	}{
		{"https://api.test/a", "https://api.test/b", false},
		{"http://api.test/a", "https://api.test/a", false},
		{"https://api.test/a", "http://api.test/a", true},
		{"https://api.test/a", "https://api.test:444/a", true},
		{"https://api.test/a", "https://api.test.evil.example/a", true},
		{"https://api.test/a", "https://api.test@evil.example/a", true},
		{"https://api.test/a", "ftp://api.test/a", true},
	} {
		from, err := url.Parse(test.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := from.Parse(test.to)
		if err != nil || leads(from, to) != test.leads {
			t.Errorf("%s to %s: %t, %v", test.from, test.to, !test.leads, err)
		}
	}
}

// TestLongAnswers has an API server answer without end. Only a log may be longer than the bound.
func TestLongAnswers(t *testing.T) {
	const more = 3 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/log") {
			_, _ = io.CopyN(w, zeros{}, more)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := io.CopyN(w, zeros{}, more); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	config := &rest.Config{Host: server.URL}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return answers{next, 1 << 20} })
	c, err := Connect(config, "ml", "test")
	if err != nil {
		t.Fatal(err)
	}
	c.Pause = func(context.Context, time.Duration) error { return errors.New("it is tried again") }
	large := new(SizeError)
	for _, named := range []string{"log", "pods"} { // objects whose path ends as that of a log
		other := *c
		other.Namespace = named
		if _, err := other.Pod(t.Context(), "log"); !errors.As(err, &large) {
			t.Errorf("pod log in namespace %s: %v", named, err)
		}
	}
	if err := c.CheckNamespace(t.Context()); !errors.As(err, &large) || !strings.Contains(err.Error(), "is larger than 1 MiB") {
		t.Errorf("an answer without end: %v", err)
	}
	log, err := c.PodLog(t.Context(), "pod", &corev1.PodLogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if n, err := io.Copy(io.Discard, log); n != more || err != nil {
		t.Errorf("a log has %d bytes, %v", n, err)
	}
}

// zeros are bytes without end.
type zeros struct{}

func (zeros) Read(text []byte) (int, error) { clear(text); return len(text), nil }
