package google

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// Client sends requests to one service of Google, with an access token. It tries again
// after temporary failures, for a bounded time, and as late as the service asks.
type Client struct {
	credentials *Credentials
	base        string
	http        *http.Client
}

// Client returns a client for the service at an address of Endpoints.
func (c *Credentials) Client(base string) *Client {
	return &Client{credentials: c, base: base, http: &http.Client{Transport: c.Transport(c.options.Transport, hostOf(base)), CheckRedirect: keepRedirect}}
}

// hostOf returns the host and the port of an address.
func hostOf(address string) string {
	at, err := url.Parse(address)
	if err != nil {
		return address
	}
	return at.Host
}

// Identity returns who sends the requests.
func (c *Client) Identity() Identity { return c.credentials.Identity() }

// Get requests a path, such as v1/projects/p/locations/-/clusters, and decodes the JSON of
// the answer. A refusal is a *PermissionError, *DisabledError, *QuotaError or *TokenError
// where Google says why, and wraps an *APIError in any case. Without a connection, the error is an
// *UnreachableError.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	for tries := (retries{}); ; {
		err := c.get(ctx, path, query, into)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if none := new(NoTokenError); errors.As(err, &none) { // tried and explained already
			return none.Err
		}
		wait, worth := tries.next(err)
		if !worth {
			return c.credentials.explain(err, path)
		}
		if stop := c.credentials.options.Pause(ctx, wait); stop != nil {
			return cmp.Or(ctx.Err(), c.credentials.explain(err, path))
		}
	}
}

// get sends one request.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	address := c.base + "/" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if c.credentials.quota != "" {
		request.Header.Set("X-Goog-User-Project", c.credentials.quota)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := bounded.ReadAll(response.Body, maxAnswer)
	if err != nil {
		return fmt.Errorf("the answer of %s cannot be read: %w", request.URL.Host, err)
	}
	if response.StatusCode != http.StatusOK {
		return c.credentials.parse(response, body)
	}
	if err := json.Unmarshal(body, into); err != nil { // its text may have parts of a secret
		return fmt.Errorf("the answer of %s is not the JSON of %s: check whether a proxy changes it", request.URL.Host, strings.TrimPrefix(path, "v1/"))
	}
	return nil
}
