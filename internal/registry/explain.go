package registry

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Explain wraps err with what was being done and, where it is known, what the user can do
// about it. It returns nil if err is nil.
func (c *Client) Explain(doing, host string, err error) error {
	err = plain(err)
	switch code := Status(err); {
	case err == nil:
		return nil
	case code == http.StatusForbidden && mentions(err, "quota", "storage limit"):
		return fmt.Errorf("%s: storage quota exceeded in the registry %s: delete unused images, or have the quota raised: %w", doing, host, err)
	case code == http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w", doing, rateLimitError(host, err))
	case code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%s: request too large for the registry %s or a proxy in front of it (413): have its limit raised (nginx: client_max_body_size 0), or make the largest file of the image smaller: %w", doing, host, err)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s: authentication failed for the registry %s (401 Unauthorized)%s: log in with `docker login %s`, or check the credentials in its credential helper: %w", doing, host, c.tried(host), host, err)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s: permission denied by the registry %s (403 Forbidden)%s: ask for write access, or log in as another user with `docker login %s`: %w", doing, host, c.tried(host), host, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// tried returns the credentials that were tried, if the keychain records them.
func (c *Client) tried(host string) string {
	from, ok := c.Keychain.(interface{ Tried(host string) []string })
	if !ok {
		return ""
	}
	if ways := from.Tried(host); len(ways) > 0 {
		return " (tried: " + strings.Join(ways, "; ") + ")"
	}
	return ""
}

// plainError replaces the text of a refusal that consists of a web page.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.err }

// plain returns err with a readable text: without the web page of a proxy, and with advice
// if the registry's certificate is not trusted.
func plain(err error) error {
	unknown := new(x509.UnknownAuthorityError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, unknown):
		return fmt.Errorf("%w: the registry's certificate is signed by an unknown authority; add the authority's certificate to the system's, or set SSL_CERT_FILE to its file", err)
	case Status(err) != 0 && mentions(err, "<html", "<!doctype"):
		return &plainError{statusText(Status(err)) + ": the response is a web page, probably from a proxy", err}
	}
	return err
}

// mentions reports whether an error's text contains one of the words, ignoring case. The
// words must be in lower case.
func mentions(err error, words ...string) bool {
	text := strings.ToLower(err.Error())
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// rateLimitError explains a refusal by a registry that limits the rate of requests.
func rateLimitError(host string, err error) error {
	until := ""
	if wait := retryAfterOf(err); wait > 0 {
		until = fmt.Sprintf(", retry after %s", wait)
	}
	return fmt.Errorf("rate limit of the registry %s exceeded (%s)%s: log in with `docker login %s`, since authenticated users may have a higher limit, or use a mirror: %w",
		host, statusText(http.StatusTooManyRequests), until, host, err)
}
