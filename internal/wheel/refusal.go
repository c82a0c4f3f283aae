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

	"github.com/slipway-ci/slipway/internal/silence"
)

// refusal is what an index, or the network before it, did in the place of what was
// wanted.
type refusal struct {
	reason, hint string
	// status is the answer's, 0 for none.
	status int
	// wait is how long the index asks to wait.
	wait time.Duration
	// final tells that the same request would end in the same way.
	final bool
}

func (e *refusal) Error() string { return e.reason }

// of gives the error for a requirement.
func (e *refusal) of(r requirement) error {
	return &IndexError{r.at, r.String(), e.reason, e.hint}
}

// masked gives an address without what is secret in it: a user and a password, and a
// query, which may be a signature.
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

// unanswered is a request without an answer, or without all of one.
func unanswered(what string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it has the address
	}
	silent := (*silence.Error)(nil)
	e := &refusal{reason: what + ": " + userInfo.ReplaceAllString(err.Error(), "://***@"), hint: "check the network, the proxy and PIP_INDEX_URL; what is in the cache needs no network", final: errors.As(err, &silent)}
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		e.reason, e.hint, e.final = what+": nobody whom this machine trusts has signed its certificate", "name the file of the authority's certificate by PIP_CERT", true
	}
	return e
}

// refusedAnswer says what is wrong with an answer.
func refusedAnswer(index string, login *url.Userinfo, response *http.Response) error {
	code := response.StatusCode
	e := &refusal{status: code, final: true}
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		e.reason = index + " refuses the credentials (" + text + ")"
		if login == nil {
			e.reason = index + " wants credentials, and there are none for it (" + text + ")"
		}
		if said := firstLine(response.Body); said != "" && code == http.StatusForbidden {
			e.reason += ": " + said
		}
		e.hint = "give them by PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, by .netrc, or by pip's keyring"
	case code == http.StatusTooManyRequests:
		e.reason, e.hint, e.final = index+" has had too many requests ("+text+")", "wait until its quota allows more, or name a mirror by PIP_INDEX_URL", false
	case code >= 500, code == http.StatusRequestTimeout:
		e.reason, e.hint, e.final = index+" failed with status "+text, "run it again later", false
	default:
		e.reason, e.hint = index+" answers "+text, "check PIP_INDEX_URL, and that the index is the one that the lock was made with"
	}
	if !e.final {
		e.wait = silence.RetryAfter(response.Header)
	}
	return e
}

// firstLine gives the beginning of an answer where it is a text.
func firstLine(body io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(body, 200)) // it is only told
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if strings.ContainsAny(line, "<{") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0xfffd }) {
		return ""
	}
	return userInfo.ReplaceAllString(line, "://***@")
}
