package polyaxon

import (
	"bytes"
	"cmp"
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

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxAttempts is the maximum number of attempts. Requests that cannot be repeated are sent
	// once.
	maxAttempts = 4
	// maxRedirects is the maximum number of redirects that a request follows.
	maxRedirects = 5
)

// limits are the timeouts of requests. ask and change bound a request that reads or
// changes something, including its response. stream bounds the time until a response of
// any size begins, and then the time for each pace bytes of it. A server that is slower
// is taken to be stuck. size is the maximum size of a response that is read whole, and of
// one line of a log, in bytes.
type limits struct {
	ask, change, stream time.Duration
	size                int
}

// pace is 256 KiB.
const pace = 256 << 10

// defaultLimits returns the limits. To create a run, a server compiles the operation before it
// responds, and 1.11.3 also sends requests to Kubernetes. A server took 11 s for an
// archive of 100,000 log lines.
func defaultLimits() limits {
	return limits{ask: time.Minute, change: 2 * time.Minute, stream: 5 * time.Minute, size: 64 << 20}
}

// request is one HTTP request to the server.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string
	// limit is the timeout of the request, including the reading of its response. For a
	// stream, it bounds the time until the response begins, and the time for each part of
	// it.
	limit  time.Duration
	stream bool
}

// timeoutError reports that a request took longer than its limit. It is a
// context.DeadlineExceeded.
type timeoutError struct{ limit time.Duration }

func (e timeoutError) Error() string        { return fmt.Sprintf("timed out after %s", e.limit) }
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded } //nolint:errorlint // an Is method compares directly

// get sends a GET request, with retries after temporary errors, and decodes the response.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	ask := request{method: http.MethodGet, path: path, query: query, limit: c.limits.ask}
	return c.retry(ctx, func() error { return c.do(ctx, ask, into) })
}

// send sends a request that changes something, once. body and into may be nil.
func (c *Client) send(ctx context.Context, method, path string, body, into any) error {
	change := request{method: method, path: path, limit: c.limits.change}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request %s %s: %w", method, path, err)
		}
		change.body, change.contentType = text, "application/json"
	}
	return c.do(ctx, change, into)
}

// retry calls ask until it succeeds or returns an error that is not temporary, at most
// maxAttempts times. A request that took its whole limit is not repeated, since waiting four
// times for it would take too long.
func (c *Client) retry(ctx context.Context, ask func() error) error {
	for n := 0; ; n++ {
		err := ask()
		if err == nil || n+1 == maxAttempts || ctx.Err() != nil || !Temporary(err) || errors.As(err, new(timeoutError)) {
			return err
		}
		if stop := c.sleep(ctx, 200*time.Millisecond<<n); stop != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
}

// do sends a request and decodes the response into into. It ignores the response if into
// is nil.
func (c *Client) do(ctx context.Context, r request, into any) error {
	answer, err := c.open(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := bounded.ReadAll(answer, int64(c.limits.size))
	large := new(bounded.SizeError)
	tooLarge := errors.As(err, &large)
	switch {
	case err != nil && !tooLarge:
		return c.contactError(r, err)
	case into == nil:
		return nil
	case tooLarge:
		return r.unexpected(fmt.Sprintf("the response is larger than %d MiB", large.Limit>>20))
	}
	err = json.Unmarshal(text, into)
	if errors.As(err, new(*json.SyntaxError)) {
		if finite := withoutNaN(text); finite != nil {
			err = json.Unmarshal(finite, into)
		}
	}
	if err != nil {
		return c.decodeError(r, answer.from, text, err)
	}
	return nil
}

// decodeError returns the error for a successful response that cannot be decoded. If it
// ends too early, it was cut off. If it is HTML, it comes from a proxy or from another
// server.
func (c *Client) decodeError(r request, from string, text []byte, err error) error {
	syntax := new(json.SyntaxError)
	switch {
	case looksLikeHTML(text):
		return htmlError(r, from, http.StatusOK)
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(text)):
		return c.contactError(r, fmt.Errorf("the response ends too early: %w", err))
	}
	return r.unexpected("the response is not what Polyaxon sends: " + err.Error())
}

// open sends a request and returns the decompressed body of a successful response. The
// caller must close it. The error is an *Error for any other response, and a
// *ContactError if there was none.
func (c *Client) open(ctx context.Context, r request) (*responseBody, error) {
	ctx, timer := watch(ctx, r.limit)
	address := c.host + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		timer.stop()
		return nil, fmt.Errorf("make the request %s %s: %w", r.method, r.path, err)
	}
	request.Header.Set("Accept", "application/json, */*;q=0.5")
	request.Header.Set("User-Agent", "slipway")
	if r.contentType != "" {
		request.Header.Set("Content-Type", r.contentType)
	}
	if c.token.Len() > 0 {
		request.Header.Set("Authorization", "Token "+string(c.token.Reveal()))
	}
	response, err := c.http.Do(request)
	if err != nil {
		timer.stop()
		if away := new(redirectError); errors.As(err, &away) {
			return nil, &Error{Method: r.method, Path: r.path, StatusCode: http.StatusFound, Kind: NotPolyaxon, Messages: []string{away.Error()}}
		}
		return nil, c.contactError(r, timer.reason(unwrapURL(err)))
	}
	c.recordTime(response)
	answer := &responseBody{Reader: &rawBody{Reader: response.Body, timer: timer, stream: r.stream}, response: response.Body, timer: timer, from: responseURL(response)}
	// List endpoints send gzip even if the request does not accept it.
	if strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(answer.Reader)
		switch {
		case errors.Is(err, io.EOF): // the body is empty
			answer.Reader = http.NoBody
		case err != nil:
			_ = answer.Close()
			return nil, c.contactError(r, fmt.Errorf("decompress the response: %w", err))
		default:
			answer.Reader = unpacked
		}
	}
	if response.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Close()
	return nil, errorOf(r, response, answer)
}

// redirectError reports a redirect that is not followed.
type redirectError struct{ reason string }

func (e *redirectError) Error() string { return e.reason }

// checkRedirect rejects redirects to another host, which would receive the token. It also
// rejects those that change the method: a client turns POST into GET at 301 and 302, and
// would take the list of runs for the run that it created.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme:
		return &redirectError{fmt.Sprintf("the server redirects requests to %s://%s: set polyaxon.host to Polyaxon's own address, and check that no login page is in front of it",
			next.URL.Scheme, next.URL.Host)}
	case next.Method != first.Method:
		return &redirectError{fmt.Sprintf("the server redirects requests to %s: it is not a Polyaxon server, or a login page is in front of it", next.URL.Path)}
	case len(via) > maxRedirects:
		return &redirectError{"too many redirects: the server redirects in circles"}
	}
	return nil
}

// unwrapURL removes the url.Error of net/http. A *ContactError has the method and the
// path already, and the query should not be shown.
func unwrapURL(err error) error {
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
