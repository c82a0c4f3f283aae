// Package polyaxon is an HTTP client for Polyaxon 1.11.3 to 2.18, with what
// slipway uses of it. It knows the protocol and nothing else: who submits once,
// follows and retries a run is package run.
//
// Facts of the protocol were recorded from real servers; where versions differ,
// the comments say so.
package polyaxon

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/secret"
)

const (
	// maxBody bounds an answer that is read whole, in bytes.
	maxBody = 64 << 20
	// askLimit and changeLimit bound one request. A create compiles the
	// operation before it answers, and 1.11.3 talks to Kubernetes meanwhile; an
	// archive of 100,000 log lines took a server 11 s.
	askLimit    = 60 * time.Second
	changeLimit = 120 * time.Second
	// tries is how often a question is asked; changes are sent once.
	tries = 4
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
}

// New gives a client; it sends nothing yet. There is no default host: the
// official client's is the vendor's cloud, which would get a misconfigured
// job's operation.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Host)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("polyaxon's host %q is no address: write it as https://polyaxon.example.com", o.Host)
	}
	c := &Client{host: strings.TrimRight(o.Host, "/"), owner: o.Owner, token: o.Token, sleep: o.Sleep}
	if c.owner == "" {
		c.owner = "default"
	}
	if c.sleep == nil {
		c.sleep = sleep
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

// stayThere keeps the token from following a redirect to another host.
func stayThere(request *http.Request, via []*http.Request) error {
	if request.URL.Host != via[0].URL.Host {
		return fmt.Errorf("the server redirects to %s, which is not where Polyaxon was configured", request.URL.Host)
	}
	if len(via) > 5 {
		return errors.New("the server redirects in circles")
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
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
func (c *Client) streams(namespace, project, uuid string, parts ...string) string {
	return "/streams/v1/" + escape(append([]string{namespace, c.owner, project, "runs", uuid}, parts...))
}

func escape(parts []string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}

// get asks, again where the answer was none or temporary, and decodes it.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.again(ctx, func() error {
		body, err := c.open(ctx, http.MethodGet, path, query, nil, "", askLimit)
		if err != nil {
			return err
		}
		defer body.Close()
		return decode(path, body, into)
	})
}

// again repeats ask while its error is temporary.
func (c *Client) again(ctx context.Context, ask func() error) error {
	for n := 0; ; n++ {
		err := ask()
		if err == nil || n+1 == tries || ctx.Err() != nil || !Temporary(err) {
			return err
		}
		if err := c.sleep(ctx, 200*time.Millisecond<<n); err != nil {
			return err
		}
	}
}

// send changes something, once. into may be nil.
func (c *Client) send(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	answer, err := c.open(ctx, method, path, nil, bytes.NewReader(text), "application/json", changeLimit)
	if err != nil {
		return err
	}
	defer answer.Close()
	if into == nil {
		_, err := io.Copy(io.Discard, io.LimitReader(answer, maxBody))
		return err
	}
	return decode(path, answer, into)
}

// open sends a request and gives a good answer's body, unpacked; the caller
// closes it. All else is an *Error, or the network's own error.
func (c *Client) open(ctx context.Context, method, path string, query url.Values, body io.Reader, contentType string, limit time.Duration) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	address := c.host + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Accept", "application/json, */*;q=0.5")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token.Len() > 0 {
		request.Header.Set("Authorization", "Token "+string(c.token.Reveal()))
	}
	response, err := c.http.Do(request)
	if err != nil {
		cancel()
		return nil, &ContactError{Method: method, Path: path, Host: c.host, Err: err}
	}
	answer := &answer{Reader: response.Body, response: response.Body, cancel: cancel}
	// List endpoints pack their answers though nobody asked them to.
	if strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(response.Body)
		if err != nil {
			answer.Close()
			return nil, &ContactError{Method: method, Path: path, Host: c.host, Err: err}
		}
		answer.Reader = unpacked
	}
	if response.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Close()
	return nil, errorOf(method, path, response, answer)
}

// answer is a body whose request's time limit ends with it.
type answer struct {
	io.Reader
	response io.Closer
	cancel   context.CancelFunc
}

func (a *answer) Close() error {
	err := a.response.Close()
	a.cancel()
	return err
}

// decode reads one JSON value. HTML where JSON was asked for is a proxy's or
// another server's page.
func decode(path string, body io.Reader, into any) error {
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return &ContactError{Method: http.MethodGet, Path: path, Err: err}
	}
	if len(text) > maxBody {
		return &Error{Path: path, StatusCode: http.StatusOK, Kind: NotPolyaxon, Messages: []string{"the answer is larger than 64 MiB"}}
	}
	if err := json.Unmarshal(text, into); err != nil {
		if looksLikeHTML(text) {
			return notPolyaxon(http.MethodGet, path, http.StatusOK)
		}
		return &Error{Path: path, StatusCode: http.StatusOK, Kind: NotPolyaxon, Messages: []string{"the answer is no JSON: " + err.Error()}}
	}
	return nil
}

func looksLikeHTML(text []byte) bool {
	return bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(text)), []byte("<"))
}
