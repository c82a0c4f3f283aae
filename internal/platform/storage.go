package platform

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// Storage returns the client for Cloud Storage or, if slipway.yaml names nothing of a cloud, for the buckets
// of the sandbox, which it starts if it does not run.
func Storage(ctx context.Context, p *project.Project) (*storage.Client, error) {
	base := p.Public
	if shared, ok := base.(*http.Transport); ok {
		own := shared.Clone()
		own.MaxIdleConnsPerHost = 32 // as many files are copied at once
		base = own
	}
	base = timeouts.Transport(base, timeouts.Limits{Response: 30 * time.Second, Chunk: 30 * time.Second, Pace: 16 << 10})
	if sandboxBuckets(p.Config) {
		joined, err := New(p).StartSandbox(ctx)
		if err != nil {
			return nil, err
		}
		return &storage.Client{Address: joined.Polyaxon, Transport: bearer{base, joined.Token}, Pause: p.Pause}, nil
	}
	credentials, err := p.Google(ctx)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(credentials.Endpoints().Storage)
	if err != nil {
		return nil, err
	}
	return &storage.Client{
		Address: credentials.Endpoints().Storage, Project: credentials.Project(),
		Transport: credentials.Transport(base, at.Host), Pause: p.Pause,
	}, nil
}

// SandboxBuckets reports whether the buckets are those of the sandbox.
func (to *Platform) SandboxBuckets() bool { return sandboxBuckets(to.Config) }

func sandboxBuckets(cfg *config.Config) bool {
	return cfg.Sandboxed() && cfg.Registry == "" && cfg.Google == nil
}

// bearer sends requests with a token. Its client sends all to one host.
type bearer struct {
	next  http.RoundTripper
	token secret.Value
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(b.token.Reveal()))
	return b.next.RoundTrip(request)
}
