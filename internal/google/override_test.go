package google_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestOverrides has gcloud's variables name the services, and then hosts that must not get a token.
// No request is sent to those.
func TestOverrides(t *testing.T) {
	s := googletest.New(t).Listen()
	s.AddProvider(provider, googletest.Provider{})
	to := s.Endpoints()
	overrides := map[string]string{
		"CLOUDSDK_AUTH_TOKEN_HOST": to.Token, "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS": to.STS + "/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": to.IAMCredentials + "/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": to.Container + "/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_GKEHUB": to.GKEHub, "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONNECTGATEWAY": to.ConnectGateway, "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": to.SecretManager,
	}
	keyed, account := withKey(s)
	for what, o := range map[string]google.Options{"key": keyed, "federation": inJob(s, account)} {
		own := o.Lookup
		o.Endpoints, o.Transport = google.Endpoints{}, nil
		o.Lookup = func(name string) (string, bool) {
			if value, ok := overrides[name]; ok || own == nil {
				return value, ok
			}
			return own(name)
		}
		found, err := google.Find(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := found.Endpoints(), to; got.ConnectGateway != want.ConnectGateway || got.GKEHub != want.GKEHub || got.SecretManager != want.SecretManager {
			t.Errorf("%s: %+v", what, got)
		}
		if err := clusters(t.Context(), found, s); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for address, want := range map[string]string{
		"https://container-team.p.googleapis.com/":  "",
		"https://CONTAINER.googleapis.com":          "",
		"http://127.0.0.1:1/container/":             "",
		"http://[::1]:1":                            "",
		"https://attacker.test/":                    "names the host attacker.test",
		"https://googleapis.com.attacker.test/":     "names the host googleapis.com.attacker.test",
		"https://xgoogleapis.com/":                  "names the host xgoogleapis.com",
		"https://container.googleapis.com@evil.io/": "without a user",
		"https://127.0.0.1.evil.io/":                "names the host 127.0.0.1.evil.io",
		"http://container.googleapis.com/":          "is not an https address",
		"ftp://localhost/":                          "is not an address of HTTP",
		"https://container.googleapis.com/?a=b":     "without a user and a query",
		"container.googleapis.com":                  "is not an address",
		"://":                                       "is not an address",
	} {
		asked := 0
		for name := range overrides {
			o, _ := withKey(s)
			o.Endpoints, o.Lookup = google.Endpoints{}, environment(map[string]string{name: address})
			o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { asked++; return nil, context.Canceled })
			_, err := google.Find(t.Context(), o)
			refused := new(google.OverrideError)
			if errors.As(err, &refused) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || refused.Variable != name || asked > 0) {
				t.Errorf("%s=%s: %v", name, address, err)
			}
		}
	}
}
