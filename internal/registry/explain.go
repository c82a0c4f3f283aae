package registry

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Explain says what was being done, and what the user can do.
func (c *Client) Explain(doing, host string, err error) error {
	err = plain(err)
	switch code := Status(err); {
	case err == nil:
		return nil
	case code == http.StatusForbidden && mentions(err, "quota", "storage limit"):
		return fmt.Errorf("%s: the registry %s has no room left for you: delete images that nobody needs, or have its quota raised: %w", doing, host, err)
	case code == http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w", doing, limitedError(host, err))
	case code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%s: the registry %s, or a proxy before it, takes no request of this size: have its limit raised (nginx: client_max_body_size 0), or make the largest file of the image smaller: %w", doing, host, err)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s: the registry %s does not know you%s: log in with `docker login %s`, or check the credentials in its credential helper: %w", doing, host, c.tried(host), host, err)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s: the registry %s does not let you%s: ask for the right to write there, or log in as somebody else with `docker login %s`: %w", doing, host, c.tried(host), host, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// tried says which credentials were tried, where the keychain knows it.
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

// plainError is a refusal whose text is a web page, which is not shown.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.err }

// plain gives an error without what helps nobody: the page of a proxy. One of a
// certificate says what to do.
func plain(err error) error {
	unknown := new(x509.UnknownAuthorityError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, unknown):
		return fmt.Errorf("%w: nobody whom this machine trusts has signed the registry's certificate; add the authority's certificate to the system's, or name its file by SSL_CERT_FILE", err)
	case Status(err) != 0 && mentions(err, "<html", "<!doctype"):
		return &plainError{"it answers " + answerOf(Status(err)) + " with a web page, which a proxy before it may have made", err}
	}
	return err
}

// mentions reports whether an error's text has one of these words, in any case.
func mentions(err error, words ...string) bool {
	text := strings.ToLower(err.Error())
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// limitedError is the refusal of a registry that limits how much is asked.
func limitedError(host string, err error) error {
	until := ""
	if wait := asked(err); wait > 0 {
		until = fmt.Sprintf(", and wants to be asked again in %s", wait)
	}
	return fmt.Errorf("the registry %s limits how much is asked of it (%s)%s: log in with `docker login %s`, where who is known may ask more, or take images from a mirror: %w",
		host, answerOf(http.StatusTooManyRequests), until, host, err)
}
