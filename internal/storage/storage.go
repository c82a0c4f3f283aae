// Package storage is the client for Cloud Storage, over its JSON API: buckets, lists, uploads and
// downloads that go on after a broken connection, copies and deletions. Every write has a
// precondition, so that a request that is sent twice changes nothing twice.
// See cloud.google.com/storage/docs/json_api/v1.
package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// Client sends requests to Cloud Storage. It tries again after temporary failures, for a bounded
// time. It is safe for concurrent use.
type Client struct {
	// Address is the service's, such as https://storage.googleapis.com.
	Address string
	// Project owns the buckets that are created and listed. The sandbox needs none.
	Project string
	// Transport sends the requests, with the credentials of Address.
	Transport http.RoundTripper
	// Pause waits between the attempts of a request.
	Pause func(context.Context, time.Duration) error
}

const (
	// attempts is how often a request is sent that makes no progress.
	attempts = 6
	// firstPause is doubled after each attempt.
	firstPause = 250 * time.Millisecond
	// maxPause bounds one pause, also one that the service asks for.
	maxPause = 30 * time.Second
	// maxAnswer bounds an answer that is not the content of an object, in bytes.
	maxAnswer = 32 << 20
)

// retry calls try until it succeeds, fails for good, or has failed attempts times without progress.
// try reports whether it made progress.
func (c *Client) retry(ctx context.Context, try func() (progress bool, err error)) error {
	for failed := 0; ; {
		progress, err := try()
		if ctx.Err() != nil {
			return ctx.Err() // it says more than err
		}
		if err == nil {
			return nil
		}
		if failed++; progress {
			failed = 1
		}
		if failed >= attempts || !temporary(err) {
			return err
		}
		wait := firstPause << (failed - 1)
		if refused := new(Error); errors.As(err, &refused) && refused.Wait > 0 {
			wait = refused.Wait
		}
		if c.Pause(ctx, min(wait, maxPause)) != nil {
			return err
		}
	}
}

// temporary reports whether the same request may succeed later, by
// cloud.google.com/storage/docs/retry-strategy.
func temporary(err error) bool {
	if errors.As(err, new(*google.NoTokenError)) || errors.As(err, new(*WriteError)) {
		return false
	}
	refused := new(Error)
	if errors.As(err, &refused) {
		return refused.Code == http.StatusTooManyRequests || refused.Code == http.StatusRequestTimeout ||
			refused.Code >= http.StatusInternalServerError && refused.Code != http.StatusNotImplemented && refused.Code != http.StatusInsufficientStorage
	}
	silent := new(timeouts.Error)
	return errors.As(err, &silent) || timeouts.Broken(err)
}

// request is a request of the JSON API.
type request struct {
	method string
	// path is below the address, escaped.
	path   string
	query  url.Values
	header http.Header
	// body opens the body. Nil means none.
	body func() io.Reader
	size int64
}

// send sends a request once, and returns a response of success or of code other.
func (c *Client) send(ctx context.Context, r request, other int) (*http.Response, error) {
	address := c.Address + r.path
	if !strings.HasPrefix(r.path, "/") {
		address = r.path
	}
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, address, nil)
	if err != nil {
		return nil, err
	}
	if here, err := url.Parse(c.Address); err != nil || sent.Host != here.Host || sent.URL.Scheme != here.Scheme {
		return nil, fmt.Errorf("the upload goes on at %s://%s, and not at %s: check whether a proxy changes the answers of Cloud Storage", sent.URL.Scheme, sent.Host, c.Address)
	}
	for name, values := range r.header {
		sent.Header[name] = values
	}
	if r.body != nil {
		sent.Body, sent.ContentLength = io.NopCloser(r.body()), r.size
		sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(r.body()), nil }
		if r.size == 0 {
			sent.Body, sent.GetBody = http.NoBody, nil
		}
	}
	response, err := c.Transport.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 || response.StatusCode == other {
		return response, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil && len(text) == 0 {
		return nil, err
	}
	return nil, refusalOf(response, text)
}

// call sends a request until it is answered, and decodes the JSON of the answer.
func (c *Client) call(ctx context.Context, r request, into any) error {
	return c.retry(ctx, func() (bool, error) {
		response, err := c.send(ctx, r, 0)
		if err != nil {
			return false, err
		}
		return false, decode(response, into)
	})
}

// decode reads the JSON of an answer, or only the answer if into is nil.
func decode(response *http.Response, into any) error {
	defer response.Body.Close()
	text, err := bounded.ReadAll(response.Body, maxAnswer)
	if err != nil {
		return fmt.Errorf("the answer of Cloud Storage cannot be read: %w", err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer of Cloud Storage is not its JSON: check whether a proxy changes it: %w", err)
	}
	return nil
}

// jsonBody returns a function that opens a body of JSON, and its size.
func jsonBody(value any) (open func() io.Reader, size int64, err error) {
	text, err := json.Marshal(value)
	return func() io.Reader { return bytes.NewReader(text) }, int64(len(text)), err
}

// objectPath returns the path of an object.
func objectPath(bucket, name string) string {
	return bucketPath(bucket) + "/o/" + url.PathEscape(name)
}

func bucketPath(bucket string) string { return "/storage/v1/b/" + url.PathEscape(bucket) }
