package wheel

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// requestError is the error for a request that an index, or the network before it, did not
// fulfill.
type requestError struct {
	reason, hint string
	// status is the status of the response, or 0 if there is none.
	status int
	// wait is how long the index asks the client to wait.
	wait time.Duration
	// final reports whether a retry would fail in the same way.
	final bool
}

func (e *requestError) Error() string { return e.reason }

// forRequirement returns the error for a requirement.
func (e *requestError) forRequirement(r requirement) error {
	return &IndexError{r.at, r.String(), e.reason, e.hint}
}

// masked returns a URL without its user, password and query. The query may contain a
// signature.
func masked(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	user := ""
	if parsed.User != nil {
		user = "***@"
	}
	return parsed.Scheme + "://" + user + parsed.Host + parsed.EscapedPath()
}

// transportError returns the error for a request with no response or an incomplete one.
func transportError(what string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it contains the URL
	}
	silent := (*timeouts.Error)(nil)
	e := &requestError{reason: what + ": " + userInfo.ReplaceAllString(err.Error(), "://***@"), hint: "check the network, the proxy and PIP_INDEX_URL; cached packages need no network", final: errors.As(err, &silent)}
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		e.reason, e.hint, e.final = what+": its certificate is signed by an unknown authority", "set PIP_CERT to the file of the authority's certificate", true
	}
	return e
}

// statusError returns the error for a response with a failure status.
func statusError(index string, login *url.Userinfo, response *http.Response) error {
	code := response.StatusCode
	e := &requestError{status: code, final: true}
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		e.reason = "authentication failed for " + index + " (" + text + ")"
		if login == nil {
			e.reason = "authentication failed for " + index + ", and there are no credentials for it (" + text + ")"
		}
		if said := firstLine(response.Body); said != "" && code == http.StatusForbidden {
			e.reason += ": " + said
		}
		e.hint = "set the credentials in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, in .netrc, or in pip's keyring"
	case code == http.StatusTooManyRequests:
		e.reason, e.hint, e.final = "too many requests to "+index+" ("+text+")", "wait until its rate limit allows more, or set PIP_INDEX_URL to a mirror", false
	case code >= 500, code == http.StatusRequestTimeout:
		e.reason, e.hint, e.final = index+" failed with status "+text, "run it again later", false
	default:
		e.reason, e.hint = index+" responded with "+text, "check PIP_INDEX_URL, and that the index is the one that the lock was made with"
	}
	if !e.final {
		e.wait = timeouts.RetryAfter(response.Header)
	}
	return e
}

// firstLine returns the first line of a response body, or "" if that is not plain text.
func firstLine(body io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(body, 200)) // only for a message
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if strings.ContainsAny(line, "<{") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0xfffd }) {
		return ""
	}
	return userInfo.ReplaceAllString(line, "://***@")
}
