// Package polyaxon is an HTTP client for the parts of Polyaxon 1.11.3 to 2.18 that
// slipway uses. It implements only the protocol. Package run submits runs once, follows
// them and retries.
//
// The facts about the protocol were recorded from real servers. Comments say where
// versions differ.
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

// Options configure a Client.
type Options struct {
	// Host is the URL of the server, such as https://polyaxon.acme.dev.
	Host string
	// Token is sent as `Authorization: Token`. The community edition ignores it.
	Token secret.Value
	// Owner is the organization. The empty string means "default".
	Owner string
	// Transport sends the requests. Nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Sleep waits between retries. Nil means clock.Sleep.
	Sleep func(context.Context, time.Duration) error
}

// Client sends requests to one server. It is safe for concurrent use.
type Client struct {
	host, owner string
	token       secret.Value
	http        *http.Client
	sleep       func(context.Context, time.Duration) error
	limits      limits
	// last is the time of the last response that had a Date header, or nil.
	last atomic.Pointer[moment]
	// version is the server's version, or nil until it is known.
	version atomic.Pointer[schema.Version]
}

// moment is one moment by the server's clock (there) and by this machine's (here).
type moment struct{ server, local time.Time }

// New returns a client. It sends no request. It returns an error if the host is not an
// http or https URL, or has a user, a query or a fragment. There is no default host: that
// of the official client is the vendor's cloud, which would receive the operation of a
// misconfigured job.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Host)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("polyaxon.host %q is not a valid URL: write it as https://polyaxon.example.com", o.Host)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("polyaxon.host %s is not valid: it must not have a user, a query or a fragment", (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	}
	c := &Client{host: strings.TrimRight(o.Host, "/"), owner: o.Owner, token: o.Token, sleep: o.Sleep, limits: defaultLimits()}
	if c.owner == "" {
		c.owner = "default"
	}
	if c.sleep == nil {
		c.sleep = clock.Sleep
	}
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return c, nil
}

// Host returns the URL of the server, without a trailing slash.
func (c *Client) Host() string { return c.host }

// ClockOffset returns how far the server's clock is ahead of this machine's, rounded to the
// second. It is taken from the last response with a Date header, and is 0 before the
// first. Add it to this machine's time to compare that with times from the server.
func (c *Client) ClockOffset() time.Duration {
	last := c.last.Load()
	if last == nil {
		return 0
	}
	return last.server.Sub(last.local).Round(time.Second) // Date has whole seconds
}

// Time returns the current time by the server's clock, to the second, independent of this
// machine's clock. It returns the zero time if no response had a Date header yet.
func (c *Client) Time() time.Time {
	last := c.last.Load()
	if last == nil {
		return time.Time{}
	}
	return last.server.Add(time.Since(last.local))
}

// recordTime records the server's time from a response.
func (c *Client) recordTime(response *http.Response) {
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		c.last.Store(&moment{at, time.Now()})
	}
}

// api returns a path below /api/v1/OWNER.
func (c *Client) api(parts ...string) string {
	return "/api/v1/" + escape(append([]string{c.owner}, parts...))
}

// run returns a path of a run below /api/v1/OWNER.
func (c *Client) run(project, uuid string, parts ...string) string {
	return c.api(append([]string{project, "runs", uuid}, parts...)...)
}

// streams returns a path of a run below /streams/v1.
func (c *Client) streams(a Artifact, parts ...string) string {
	return "/streams/v1/" + escape(append([]string{a.Namespace, c.owner, a.Project, "runs", a.UUID}, parts...))
}

// escape joins the parts of a path, each escaped.
func escape(parts []string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}
