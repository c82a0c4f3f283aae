// Package polyaxon is an HTTP client for Polyaxon 1.11.3 to 2.18, with what
// slipway uses of it. It knows the protocol and nothing else: who submits once,
// follows and retries a run is package run.
//
// Facts of the protocol were recorded from real servers; where versions differ,
// the comments say so.
package polyaxon

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Options say which server to speak to, and how.
type Options struct {
	// Host is the server's address, such as https://polyaxon.acme.dev.
	Host string
	// Token is sent as `Authorization: Token`. The community edition ignores it.
	Token secret.Value
	// Owner is the organization; "default" when empty.
	Owner string
	// Transport does the requests; http.DefaultTransport when nil.
	Transport http.RoundTripper
	// Sleep waits between tries; by the clock when nil.
	Sleep func(context.Context, time.Duration) error
}

// Client speaks to one server. It is safe for use by several goroutines.
type Client struct {
	host, owner string
	token       secret.Value
	http        *http.Client
	sleep       func(context.Context, time.Duration) error
	limits      limits
	// last is when the server last told its time.
	last atomic.Pointer[moment]
	// version is nil until the server told it.
	version atomic.Pointer[schema.Version]
}

// moment is one moment by the server's clock and by this machine's.
type moment struct{ there, here time.Time }

// New gives a client; it sends nothing yet. There is no default host: the
// official client's is the vendor's cloud, which would get a misconfigured
// job's operation.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Host)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("polyaxon's host %q is no address: write it as https://polyaxon.example.com", o.Host)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("polyaxon's host %s holds more than an address: leave out user, query and fragment", u.Redacted())
	}
	c := &Client{host: strings.TrimRight(o.Host, "/"), owner: o.Owner, token: o.Token, sleep: o.Sleep, limits: standard()}
	if c.owner == "" {
		c.owner = "default"
	}
	if c.sleep == nil {
		c.sleep = clock.Wait
	}
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: stayThere}
	return c, nil
}

// Host gives the server's address.
func (c *Client) Host() string { return c.host }

// Ahead gives how far the server's clock is ahead of this machine's, to the second,
// by the last answer that told its time; 0 before the first. Times that the server
// tells can be compared with this machine's time plus it.
func (c *Client) Ahead() time.Duration {
	last := c.last.Load()
	if last == nil {
		return 0
	}
	return last.there.Sub(last.here).Round(time.Second) // a Date is cut to the second
}

// Time gives the time by the server's clock, to the second, whatever this machine's
// says; the zero time when no answer has told it yet.
func (c *Client) Time() time.Time {
	last := c.last.Load()
	if last == nil {
		return time.Time{}
	}
	return last.there.Add(time.Since(last.here))
}

// heard takes the server's time from an answer.
func (c *Client) heard(response *http.Response) {
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		c.last.Store(&moment{at, time.Now()})
	}
}

// api gives a path below /api/v1/OWNER.
func (c *Client) api(parts ...string) string {
	return "/api/v1/" + escape(append([]string{c.owner}, parts...))
}

// run gives a path of a run below /api/v1.
func (c *Client) run(project, uuid string, parts ...string) string {
	return c.api(append([]string{project, "runs", uuid}, parts...)...)
}

// streams gives a path of a run below /streams/v1.
func (c *Client) streams(a Artifact, parts ...string) string {
	return "/streams/v1/" + escape(append([]string{a.Namespace, c.owner, a.Project, "runs", a.UUID}, parts...))
}

func escape(parts []string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}
