package google_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestCanary makes each service answer with the request that it got, as some proxies do, in
// every form that is parsed. No error has a part of a key or of a token.
func TestCanary(t *testing.T) {
	echo := func(s *googletest.Server, code int, body string) {
		for _, service := range []string{"oauth2", "sts", "iamcredentials", "github", "container"} {
			s.Fail(googletest.Fault{Service: service, Code: code, Body: body})
		}
	}
	kinds := map[string]func(*testing.T, *googletest.Server) (google.Options, []string){
		"key": func(t *testing.T, s *googletest.Server) (google.Options, []string) {
			o, _ := withKey(s)
			private, _ := jsonOf(t, o.Key.Reveal())["private_key"].(string)
			return o, strings.Split(private, "\n")[1:4]
		},
		"user": func(t *testing.T, s *googletest.Server) (google.Options, []string) {
			login := s.Login("ada@acme.dev")
			o := s.Options()
			o.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, login)})
			refresh, _ := jsonOf(t, login)["refresh_token"].(string)
			return o, []string{refresh}
		},
		"job": func(_ *testing.T, s *googletest.Server) (google.Options, []string) {
			s.AddProvider(provider, googletest.Provider{})
			o := inJob(s, s.Account("deployer"))
			bearer, _ := o.Lookup("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
			return o, []string{bearer}
		},
	}
	for name, kind := range kinds {
		s, told := googletest.New(t), &learner{}
		options, canaries := kind(t, s)
		options.Pause, options.Secrets = atOnce, told
		for after := range 4 {
			for i, code := range []int{200, 400, 401, 403, 500, 400, 401, 403} {
				body := []string{googletest.Echo, `{"error": "invalid_grant", "error_description": "` + googletest.Echo + `"}`,
					`{"error": {"code": 403, "message": "` + googletest.Echo + `", "status": "PERMISSION_DENIED"}}`}[i%3]
				s.Heal()
				o, n := options, 0
				o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					canaries = append(canaries, secretsOf(r)...)
					if n++; n == after+1 {
						echo(s, code, body)
					}
					return options.Transport.RoundTrip(r)
				})
				err := clusters(t.Context(), find(t, o), s)
				if err == nil {
					continue // more requests than this kind has
				}
				for _, canary := range append(canaries, s.Tokens()...) {
					for _, form := range []string{canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
						if strings.Contains(err.Error(), form) {
							t.Errorf("%s, request %d answered %d: the error has a secret: %v", name, after, code, err)
						}
					}
					if !told.has(canary) {
						t.Errorf("%s, request %d: a secret that was sent was not told to the learner", name, after)
					}
				}
			}
		}
	}
}

// secretsOf returns the secrets of a request: its bearer, and the fields of its form.
func secretsOf(r *http.Request) []string {
	var all []string
	if _, bearer, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		all = append(all, bearer)
	}
	if r.GetBody != nil {
		body, _ := r.GetBody()
		defer body.Close()
		text := make([]byte, 64<<10)
		n, _ := body.Read(text)
		form, _ := url.ParseQuery(string(text[:n]))
		for _, name := range []string{"assertion", "subject_token", "refresh_token", "client_secret"} {
			if value := form.Get(name); value != "" {
				all = append(all, value)
			}
		}
	}
	return all
}
