package google_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// exchanges returns the number of requests for a token.
func exchanges(s *googletest.Server) int {
	return strings.Count(strings.Join(s.Requests(), "\n")+"\n", "/oauth2/token\n")
}

// find returns credentials, or ends the test.
func find(t *testing.T, o google.Options) *google.Credentials {
	t.Helper()
	found, err := google.Find(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestRenewal works for six hours with tokens that live for one. Each is renewed before its
// end, so that no request is refused.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New(t)
		o, _ := withKey(s)
		found := find(t, o)
		for range 6 * 60 {
			if err := clusters(t.Context(), found, s); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if got := exchanges(s); got != 7 {
			t.Errorf("%d tokens in six hours, want 7", got)
		}
	})
}

// TestFederationForSixHours works for six hours in a job of GitHub, whose OIDC tokens live for
// five minutes. Each access token has an OIDC token of its own, nothing is refused, and no file
// appears.
func TestFederationForSixHours(t *testing.T) {
	for name, impersonates := range map[string]bool{"direct": false, "as a service account": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("HOME", dir)
			t.Setenv("TMPDIR", dir)
			t.Chdir(dir)
			synctest.Test(t, func(t *testing.T) {
				s := googletest.New(t)
				s.AddProvider(provider, googletest.Provider{})
				account := ""
				if impersonates {
					account = s.Account("deployer")
				}
				o := inJob(s, account)
				refused := 0
				carry := o.Transport
				o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					response, err := carry.RoundTrip(r)
					if err != nil || response.StatusCode != http.StatusOK {
						refused++
					}
					return response, err
				})
				found := find(t, o)
				for range 6 * 60 {
					if err := clusters(t.Context(), found, s); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
				}
				asked := strings.Join(s.Requests(), "\n")
				subjects, tokens := strings.Count(asked, "/github/idtoken"), strings.Count(asked, "/sts/v1/token")
				if subjects != 7 || tokens != subjects || refused > 0 || strings.Count(asked, ":generateAccessToken") != map[bool]int{true: 7, false: 0}[impersonates] {
					t.Errorf("%d OIDC tokens and %d exchanges in six hours, want 7; %d requests were refused", subjects, tokens, refused)
				}
			})
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
				t.Errorf("there are files: %v, %v", files, err)
			}
		})
	}
}

// TestSingleFlight lets a hundred callers need a token at once.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New(t)
		s.Fail(googletest.Fault{Service: "oauth2", Delay: time.Second})
		o, _ := withKey(s)
		found := find(t, o)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if err := clusters(t.Context(), found, s); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := exchanges(s); got != 1 {
			t.Errorf("%d requests for a token, want 1", got)
		}
		// All are refused at once, and one new token serves all.
		s.Expire()
		for range 100 {
			group.Go(func() {
				if err := clusters(t.Context(), found, s); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := exchanges(s); got != 2 {
			t.Errorf("%d requests for a token, want 2", got)
		}
	})
}

// TestCanceledCaller ends one of two callers that wait for the same token. The other gets it.
// When both have gone, the request ends, too.
func TestCanceledCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New(t)
		s.Fail(googletest.Fault{Service: "oauth2", Delay: time.Minute})
		o, _ := withKey(s)
		found := find(t, o)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := found.Token(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller who went got %v", err)
			}
		})
		group.Go(func() {
			if _, err := found.Token(t.Context()); err != nil {
				t.Errorf("the caller who stayed got %v", err)
			}
		})
		group.Wait()
		s.Expire()
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := found.Token(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("with a canceled context: %v", err)
		}
		if _, err := found.TokenSource(t.Context()).Token(); err != nil {
			t.Errorf("as a token source: %v", err)
		}
	})
}

// TestOutage renews a token while the endpoint is down. The old token is used until its end.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New(t)
		o, _ := withKey(s)
		o.Pause = nil
		found := find(t, o)
		if err := clusters(t.Context(), found, s); err != nil {
			t.Fatal(err)
		}
		s.Fail(googletest.Fault{Service: "oauth2", Code: http.StatusServiceUnavailable})
		time.Sleep(57 * time.Minute)
		before := exchanges(s)
		for range 10 {
			if err := clusters(t.Context(), found, s); err != nil {
				t.Fatal(err)
			}
		}
		if got := exchanges(s) - before; got != 4 {
			t.Errorf("%d requests for a token while it is down, want the 4 attempts of one renewal", got)
		}
		s.Heal()
		time.Sleep(time.Minute)
		if err := clusters(t.Context(), found, s); err != nil {
			t.Fatal(err)
		}
		if got := exchanges(s) - before; got != 5 {
			t.Errorf("%d requests for a token, want a new one once the endpoint is up", got)
		}
		// Without a valid token, the outage is an error.
		s.Fail(googletest.Fault{Service: "oauth2", Code: http.StatusServiceUnavailable})
		time.Sleep(2 * time.Hour)
		if err := clusters(t.Context(), found, s); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("without a token: %v", err)
		}
	})
}

// TestShortLife uses tokens that live for a minute, as the metadata server may give them.
func TestShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := googletest.New(t)
		s.Lifetime(time.Minute)
		o, _ := withKey(s)
		found := find(t, o)
		for range 60 {
			if err := clusters(t.Context(), found, s); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if got := exchanges(s); got != 20 {
			t.Errorf("%d tokens in ten minutes, want one every 30 s", got)
		}
	})
}

// TestSkewedImpersonation gets a token whose end is given by a clock two hours behind. It is
// not taken for expired.
func TestSkewedImpersonation(t *testing.T) {
	s := googletest.New(t)
	s.Skew(-2 * time.Hour)
	s.AddProvider(provider, googletest.Provider{})
	found := find(t, inJob(s, s.Account("deployer")))
	for range 3 {
		if err := clusters(t.Context(), found, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(strings.Join(s.Requests(), "\n"), ":generateAccessToken"); got != 1 {
		t.Errorf("%d tokens for 3 requests", got)
	}
}

// TestOtherHosts keeps the token from other hosts, such as that of a redirect.
func TestOtherHosts(t *testing.T) {
	s := googletest.New(t)
	o, _ := withKey(s)
	found := find(t, o)
	var got []string
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.URL.Host+" "+r.Header.Get("Authorization"))
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})
	carrier := found.Transport(next, "cluster.test")
	for _, address := range []string{"https://cluster.test/api", "https://other.test/api"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if _, err := carrier.RoundTrip(request); err != nil {
			t.Fatal(err)
		}
		if request.Header.Get("Authorization") != "" {
			t.Error("the request of the caller was changed")
		}
	}
	if len(got) != 2 || got[0] != "cluster.test Bearer "+s.Tokens()[0] || got[1] != "other.test " {
		t.Errorf("sent %d requests: %q", len(got), got)
	}
}

// TestRedirects follows no redirect, neither of a service nor on the way to a token, because
// each would give a token away.
func TestRedirects(t *testing.T) {
	for _, from := range []string{"/oauth2/", "/sts/", "/iamcredentials/", "/github/", "/container/"} {
		s := googletest.New(t)
		s.AddProvider(provider, googletest.Provider{})
		o := inJob(s, s.Account("deployer"))
		if from == "/oauth2/" {
			o, _ = withKey(s)
		}
		carry := o.Transport
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Host == "elsewhere.test":
				t.Errorf("%s: followed a redirect, with the token %t", from, r.Header.Get("Authorization") != "")
			case strings.HasPrefix(r.URL.Path, from):
				return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://elsewhere.test/"}}, Body: http.NoBody, Request: r}, nil
			}
			return carry.RoundTrip(r)
		})
		if err := clusters(t.Context(), find(t, o), s); err == nil || !strings.Contains(err.Error(), "307") {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// TestReplay sends a request with a body once more after a 401, and the whole body. A body
// that cannot be read again is not sent twice.
func TestReplay(t *testing.T) {
	s := googletest.New(t)
	o, _ := withKey(s)
	found := find(t, o)
	var bodies []string
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		defer r.Body.Close()
		text := make([]byte, 64)
		n, _ := r.Body.Read(text)
		bodies = append(bodies, string(text[:n]))
		return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody, Request: r}, nil
	})
	carrier := found.Transport(next, "cluster.test")
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://cluster.test/api", strings.NewReader("apply"))
	response, err := carrier.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusUnauthorized || len(bodies) != 2 || bodies[1] != "apply" {
		t.Errorf("sent %q: %v", bodies, err)
	}
	bodies = nil
	request, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, "https://cluster.test/api", struct{ *strings.Reader }{strings.NewReader("stream")})
	if response, err := carrier.RoundTrip(request); err != nil || response.StatusCode != http.StatusUnauthorized || len(bodies) != 1 {
		t.Errorf("sent %q: %v", bodies, err)
	}
}

// roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
