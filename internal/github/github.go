// Package github speaks to the REST API of GitHub
// (docs.github.com/en/rest/issues/comments, API version 2022-11-28).
package github

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
	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

const (
	attempts    = 4
	maxAnswer   = 16 << 20
	maxWait     = 30 * time.Second // a limit of requests that lasts longer is an error
	pauseBefore = 500 * time.Millisecond
)

// Client sends requests to the API. Its methods may be called at the same time.
type Client struct {
	// URL is the address of the API, such as https://api.github.com.
	URL string
	// Token is sent with each request. Without one, only what is public can be asked.
	Token secret.Value
	// Transport sends the requests. Sleep waits between attempts; nil is clock.Sleep.
	Transport http.RoundTripper
	Sleep     func(context.Context, time.Duration) error
}

// Error is an answer of GitHub that refuses a request.
type Error struct {
	// Method and Path are those of the request, and Status is the answer's.
	Method, Path string
	Status       int
	// Message is GitHub's own message.
	Message string
	// Permissions are the permissions of which the token needs one, as GitHub names them, such
	// as pull_requests=write, or "".
	Permissions string
	// Limited reports whether there were too many requests.
	Limited bool
}

// Error implements error. A permission that is missing is named as workflows write it.
func (e *Error) Error() string {
	text := fmt.Sprintf("GitHub refuses %s %s: %d %s", e.Method, e.Path, e.Status, e.Message)
	switch e.Status {
	case http.StatusUnauthorized:
		text += "; GITHUB_TOKEN is not valid, or has expired"
	case http.StatusForbidden:
		text += e.forbidden()
	case http.StatusNotFound:
		text += "; the token cannot see the repository or the pull request"
	}
	return text
}

// forbidden says what to do about an answer 403. Most are for a permission that is missing. The
// others are told apart by their messages alone.
func (e *Error) forbidden() string {
	message := strings.ToLower(e.Message)
	switch {
	case e.Limited:
		return " (a limit of requests)"
	case strings.Contains(message, "is locked"):
		return "; nobody can comment until the conversation of the pull request is unlocked"
	case strings.Contains(message, "archived"):
		return "; nobody can comment in an archived repository"
	}
	text := "; the token has no such permission: give the job permissions: {pull-requests: write}"
	if e.Permissions != "" {
		text += " (GitHub asks for " + e.Permissions + ")"
	}
	return text
}

// send sends a request and decodes the answer into out, unless that is nil. It returns the
// address of the next page, or "". Answers that say to come again are waited for, and servers
// that fail or do not answer are asked again, if asking twice changes nothing or again is set.
func (c *Client) send(ctx context.Context, method, path string, in, out any, again bool) (next string, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("encode a request: %w", err)
	}
	for attempt := 1; ; attempt++ {
		next, wait, err := c.once(ctx, method, path, body, in != nil, out)
		refused := new(Error)
		certain := errors.As(err, &refused) && refused.Status < 500 // it was not carried out
		if err == nil || attempt == attempts || ctx.Err() != nil || wait < 0 || !certain && !again {
			return next, err
		}
		if wait == 0 {
			wait = pauseBefore << attempt
		}
		if err := c.sleep(ctx, wait); err != nil {
			return "", err
		}
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return clock.Sleep(ctx, d)
}

// once sends a request once. wait is how long to wait before the next attempt: 0 for as long as
// the caller likes, and negative if there must be none.
func (c *Client) once(ctx context.Context, method, path string, body []byte, hasBody bool, out any) (next string, wait time.Duration, err error) {
	target := path
	if !strings.Contains(path, "://") {
		target = strings.TrimSuffix(c.URL, "/") + path
	}
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return "", -1, fmt.Errorf("ask GitHub: %w", err)
	}
	if hasBody {
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	request.Header.Set("User-Agent", "slipway")
	if c.Token.Len() > 0 {
		request.Header.Set("Authorization", "Bearer "+string(c.Token.Reveal()))
	}
	answer, err := timeouts.Transport(c.Transport, timeouts.Limits{Response: 20 * time.Second, Chunk: 20 * time.Second, Pace: 1 << 10}).RoundTrip(request)
	if err != nil {
		return "", 0, fmt.Errorf("ask GitHub at %s: %w", request.URL.Host, err)
	}
	defer answer.Body.Close()
	text, err := bounded.ReadAll(answer.Body, maxAnswer)
	if err != nil {
		return "", 0, fmt.Errorf("read GitHub's answer: %w", err)
	}
	if answer.StatusCode >= 300 {
		wait, err := refusal(method, request.URL.Path, answer, text)
		return "", wait, err
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			return "", -1, fmt.Errorf("%s %s: GitHub's answer is not what it documents: %w", method, request.URL.Path, err)
		}
	}
	return c.following(answer.Header.Get("Link")), 0, nil
}

// refusal returns the error of an answer, and how long to wait before the next attempt.
func refusal(method, path string, answer *http.Response, text []byte) (time.Duration, error) {
	var told struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &told) // proxies answer without JSON
	if told.Message == "" {
		told.Message = http.StatusText(answer.StatusCode)
	}
	err := &Error{Method: method, Path: path, Status: answer.StatusCode, Message: told.Message[:min(len(told.Message), 300)], Permissions: answer.Header.Get("X-Accepted-GitHub-Permissions")}
	after := timeouts.RetryAfter(answer.Header)
	err.Limited = answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusForbidden &&
		(after > 0 || answer.Header.Get("X-RateLimit-Remaining") == "0" || strings.Contains(strings.ToLower(told.Message), "rate limit"))
	switch {
	case err.Limited && after > maxWait, err.Limited && after == 0 && answer.StatusCode == http.StatusForbidden:
		return -1, err
	case err.Limited, answer.StatusCode >= 500:
		return min(after, maxWait), err
	}
	return -1, err
}

// following returns the address of the next page of a header Link (RFC 8288), or "". It is not
// followed to another server, which would get the token.
func (c *Client) following(link string) string {
	for part := range strings.SplitSeq(link, ",") {
		address, parameters, _ := strings.Cut(part, ";")
		if !strings.Contains(parameters, `rel="next"`) {
			continue
		}
		address = strings.Trim(strings.TrimSpace(address), "<>")
		own, err := url.Parse(c.URL)
		other, wrong := url.Parse(address)
		if err == nil && wrong == nil && own.Scheme == other.Scheme && own.Host == other.Host {
			return address
		}
	}
	return ""
}
