package google

import (
	"context"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Options are what Find works with. At most one of Key and Federation is set. With
// neither, Find looks for Application Default Credentials.
type Options struct {
	// Key is the JSON key of a service account, and KeyFrom is its source for messages, such
	// as env:GCP_SA_KEY.
	Key     secret.Value
	KeyFrom string
	// Federation is access with the tokens of another identity provider.
	Federation *Federation
	// Scopes of the access tokens. None means CloudPlatform.
	Scopes []string
	// Endpoints are the addresses of the services. The zero value means Public, with what
	// gcloud's variables override (docs/google.md).
	Endpoints Endpoints
	// Lookup returns an environment variable, as os.LookupEnv does.
	Lookup func(string) (string, bool)
	// Transport sends the requests. Nil means http.DefaultTransport. An *http.Transport is
	// copied, so that the copy limits how long a service may be silent, and asks the metadata
	// server without a proxy.
	Transport http.RoundTripper
	// Secrets learns each token before it is used, and each part of the credentials that is
	// secret. It may be nil.
	Secrets secret.Learner
	// Pause waits between the attempts of a request. Nil means clock.Sleep.
	Pause func(context.Context, time.Duration) error
}

// complete returns the options with what was left out.
func (o Options) complete() Options {
	if len(o.Scopes) == 0 {
		o.Scopes = []string{CloudPlatform}
	}
	if o.Lookup == nil {
		o.Lookup = func(string) (string, bool) { return "", false }
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if base, ok := o.Transport.(*http.Transport); ok {
		o.Transport = patient(base)
	}
	o.Transport = panics.Transport(o.Transport)
	if o.Pause == nil {
		o.Pause = clock.Sleep
	}
	return o
}

// env returns an environment variable, or "" if it is not set.
func (o Options) env(name string) string {
	value, _ := o.Lookup(name)
	return value
}
