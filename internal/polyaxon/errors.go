package polyaxon

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
)

// ErrorKind classifies the unsuccessful responses of a server.
type ErrorKind int

// The kinds of errors.
const (
	// Server means that the server failed. Polyaxon responds to an exception on any method
	// but GET with 405 and an empty HTML page, which is of this kind.
	Server ErrorKind = iota
	// Invalid means that the server rejects the request and says why.
	Invalid
	// NotFound means that the project, run or file does not exist.
	NotFound
	// Auth means that the credentials are missing or rejected.
	Auth
	// NotPolyaxon means that the response does not come from a Polyaxon server.
	NotPolyaxon
	// Unsupported means that this client does not support the server's release.
	Unsupported
)

// Error is an unsuccessful response of a server.
type Error struct {
	Method, Path string
	StatusCode   int
	Kind         ErrorKind
	// Messages are the messages of the server.
	Messages []string
}

// Error implements error. It names the request, the server's messages, and what to do.
func (e *Error) Error() string {
	what := strings.TrimSpace(e.Method + " " + e.Path)
	words := strings.Join(e.Messages, "; ")
	switch {
	case e.Kind == Auth:
		reason := "authentication failed"
		if e.StatusCode == http.StatusForbidden {
			reason = "permission denied"
		}
		return strings.TrimSpace(fmt.Sprintf("%s: %s (%d %s", what, reason, e.StatusCode, words)) + "); check polyaxon.token"
	case e.Kind == NotPolyaxon, e.Kind == Unsupported:
		return fmt.Sprintf("%s: %s", what, words)
	case e.Kind == Server && e.StatusCode == http.StatusMethodNotAllowed:
		return what + ": the server failed and returned no reason (405 with an empty body); see the server's log"
	case e.Kind == Server:
		if words == "" {
			words = "it returned no reason"
		}
		return fmt.Sprintf("%s: the server failed (%d): %s", what, e.StatusCode, words)
	}
	if words == "" {
		words = http.StatusText(e.StatusCode)
	}
	return fmt.Sprintf("%s: %s (%d)", what, words, e.StatusCode)
}

// ContactError reports that a request got no complete response. It is unknown whether the
// server processed the request.
type ContactError struct {
	Method, Path, Host string
	Err                error
}

// Error implements error. It names the server and the network error.
func (e *ContactError) Error() string {
	return fmt.Sprintf("no response from Polyaxon at %s (%s %s): %v", e.Host, e.Method, e.Path, e.Err)
}

// Unwrap returns the network error.
func (e *ContactError) Unwrap() error { return e.Err }

// IsNotFound reports whether err says that the requested object does not exist.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotFound
}

// Temporary reports whether a retry of the request may succeed: the server failed, or
// there was no response for a reason that may pass. An untrusted certificate is not such
// a reason. If the request was to change something, the change may have been made.
func Temporary(err error) bool {
	if contact := new(ContactError); errors.As(err, &contact) {
		certificate, record := new(tls.CertificateVerificationError), tls.RecordHeaderError{}
		return !errors.As(err, &certificate) && !errors.As(err, &record) && !errors.Is(err, http.ErrSchemeMismatch) && !errors.Is(err, context.Canceled)
	}
	var e *Error
	return errors.As(err, &e) && e.Kind == Server
}

// Unreachable reports whether err says that the request did not reach Polyaxon. It is a
// network error, or the response of a gateway whose server is down.
func Unreachable(err error) bool {
	if contact := new(ContactError); errors.As(err, &contact) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && (e.StatusCode == http.StatusBadGateway || e.StatusCode == http.StatusServiceUnavailable || e.StatusCode == http.StatusGatewayTimeout)
}

// Refused reports whether err is a response that rejects the request, so that nothing was
// changed. After any other error of a request, the change may have been made.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind != Server && e.StatusCode >= 300 && e.StatusCode < 500
}

// contactError returns the error of a request that got no complete response.
func (c *Client) contactError(r request, err error) error {
	if fault := new(panics.Error); errors.As(err, &fault) {
		return fault // a bug of slipway, not of the server
	}
	return &ContactError{Method: r.method, Path: r.path, Host: c.host, Err: err}
}

// unexpected returns the error for a successful response that Polyaxon does not send.
func (r request) unexpected(words string) error {
	return &Error{Method: r.method, Path: r.path, StatusCode: http.StatusOK, Kind: NotPolyaxon, Messages: []string{words}}
}

// htmlError returns the error for a response that is a web page. from is the URL after
// all redirects.
func htmlError(r request, from string, code int) error {
	return &Error{Method: r.method, Path: r.path, StatusCode: code, Kind: NotPolyaxon,
		Messages: []string{fmt.Sprintf("received a web page (%d) from %s: it is not a Polyaxon server, or a proxy in front of it requires a login", code, from)}}
}

// responseURL returns the URL that a response came from, without its query.
func responseURL(response *http.Response) string {
	at := response.Request.URL
	return at.Scheme + "://" + at.Host + at.Path
}

// errorOf returns the *Error for an unsuccessful response.
func errorOf(r request, response *http.Response, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		text = nil // the status code suffices
	}
	code := response.StatusCode
	e := &Error{Method: r.method, Path: r.path, StatusCode: code, Messages: messages(text), Kind: Invalid}
	switch {
	// Check this before HTML: when the server is down, its gateway responds with a page.
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		e.Kind = Server
	case code == http.StatusUnauthorized:
		e.Kind = Auth
	// The gateway itself responds, with a page, when a file does not exist.
	case looksLikeHTML(text) && !(code == http.StatusNotFound && strings.HasPrefix(r.path, "/streams/")):
		return htmlError(r, responseURL(response), code)
	case code == http.StatusForbidden:
		e.Kind = Auth
	case code == http.StatusNotFound:
		e.Kind = NotFound
	case code == http.StatusMethodNotAllowed && len(text) == 0:
		e.Kind = Server
	case code < 400:
		return r.unexpected(fmt.Sprintf("the server responded with %s, which a Polyaxon server does not do", response.Status))
	}
	return e
}

// looksLikeHTML reports whether text is a web page. No other response begins with "<".
func looksLikeHTML(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n"), []byte("<"))
}

// messages returns the messages of an error in any of Polyaxon's formats: a list of
// strings, lists by field, {"detail": text}, {"errors": ...}, plain text, or nothing.
func messages(text []byte) []string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		if plain := strings.TrimSpace(string(text)); plain != "" && !looksLikeHTML(text) {
			return []string{truncate(plain, 4000)}
		}
		return nil
	}
	return flatten("", value)
}

// flatten returns all strings of value, each after the path of its field.
func flatten(field string, value any) []string {
	switch x := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, item := range x {
			all = append(all, flatten(field, item)...)
		}
		return all
	case map[string]any:
		names := make([]string, 0, len(x))
		for name := range x {
			names = append(names, name)
		}
		sort.Strings(names)
		var all []string
		for _, name := range names {
			inner := name
			switch {
			case name == "detail" || name == "errors" || name == "error" || name == "non_field_errors":
				inner = field
			case field != "":
				inner = field + "." + name
			}
			all = append(all, flatten(inner, x[name])...)
		}
		return all
	}
	text := truncate(plain(value), 4000)
	if field != "" {
		text = field + ": " + text
	}
	return []string{text}
}

// truncate returns text, or its first limit bytes with an ellipsis if it is longer.
func truncate(text string, limit int) string {
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
