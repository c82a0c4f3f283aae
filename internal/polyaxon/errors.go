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

// ErrorKind sorts what a server answers.
type ErrorKind int

// The kinds of errors.
const (
	// Server: the server failed. Polyaxon answers an exception on anything but
	// GET with 405 and an empty page of HTML; that is one of these.
	Server ErrorKind = iota
	// Invalid: the server refuses what was sent, and says why.
	Invalid
	// NotFound: there is no such project, run or file.
	NotFound
	// Auth: the credentials are missing or refused.
	Auth
	// NotPolyaxon: whatever answered is not a Polyaxon server.
	NotPolyaxon
	// Unsupported: the server is a release that this client does not speak to.
	Unsupported
)

// Error is a server's answer that is not a success.
type Error struct {
	Method, Path string
	StatusCode   int
	Kind         ErrorKind
	// Messages are the server's own words.
	Messages []string
}

// Error gives what was asked, the server's words, and what can be done.
func (e *Error) Error() string {
	what := strings.TrimSpace(e.Method + " " + e.Path)
	words := strings.Join(e.Messages, "; ")
	switch {
	case e.Kind == Auth:
		return strings.TrimSpace(fmt.Sprintf("%s: the server refuses the credentials (%d %s", what, e.StatusCode, words)) + "); check polyaxon.token"
	case e.Kind == NotPolyaxon, e.Kind == Unsupported:
		return fmt.Sprintf("%s: %s", what, words)
	case e.Kind == Server && e.StatusCode == http.StatusMethodNotAllowed:
		return what + ": the server failed and gives no reason (405 and an empty page); its own log has it"
	case e.Kind == Server:
		if words == "" {
			words = "it gives no reason"
		}
		return fmt.Sprintf("%s: the server failed (%d): %s", what, e.StatusCode, words)
	}
	if words == "" {
		words = http.StatusText(e.StatusCode)
	}
	return fmt.Sprintf("%s: %s (%d)", what, words, e.StatusCode)
}

// ContactError is a request that got no whole answer. Whether the server did
// what was asked is unknown.
type ContactError struct {
	Method, Path, Host string
	Err                error
}

// Error names the server and the network's reason.
func (e *ContactError) Error() string {
	return fmt.Sprintf("no answer from Polyaxon at %s (%s %s): %v", e.Host, e.Method, e.Path, e.Err)
}

// Unwrap gives the network's error.
func (e *ContactError) Unwrap() error { return e.Err }

// IsNotFound tells whether err says that what was asked for does not exist.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotFound
}

// Temporary tells whether the same request may succeed when sent again: the
// server failed, or there was no answer for a reason that may pass, which a
// certificate that is not trusted is not. For a request that changes something
// it also means that the change may have been made.
func Temporary(err error) bool {
	if contact := new(ContactError); errors.As(err, &contact) {
		certificate, record := new(tls.CertificateVerificationError), tls.RecordHeaderError{}
		return !errors.As(err, &certificate) && !errors.As(err, &record) && !errors.Is(err, http.ErrSchemeMismatch) && !errors.Is(err, context.Canceled)
	}
	var e *Error
	return errors.As(err, &e) && e.Kind == Server
}

// Unreachable tells whether err says that the request did not get through to
// Polyaxon: the network's error, or that of a gateway before a server that is down.
func Unreachable(err error) bool {
	if contact := new(ContactError); errors.As(err, &contact) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && (e.StatusCode == http.StatusBadGateway || e.StatusCode == http.StatusServiceUnavailable || e.StatusCode == http.StatusGatewayTimeout)
}

// Refused tells whether err is an answer in the negative, so that what was asked
// for was surely not done. After any other error of a change it may have been.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind != Server && e.StatusCode >= 300 && e.StatusCode < 500
}

// lost is a request that got no whole answer.
func (c *Client) lost(r request, err error) error {
	if fault := new(panics.Error); errors.As(err, &fault) {
		return fault // the server has no part in it
	}
	return &ContactError{Method: r.method, Path: r.path, Host: c.host, Err: err}
}

// strange is a good answer that Polyaxon does not give.
func (r request) strange(words string) error {
	return &Error{Method: r.method, Path: r.path, StatusCode: http.StatusOK, Kind: NotPolyaxon, Messages: []string{words}}
}

// pageInstead is an answer that is a web page, from the address that a request was
// sent on to in the end.
func pageInstead(r request, from string, code int) error {
	return &Error{Method: r.method, Path: r.path, StatusCode: code, Kind: NotPolyaxon,
		Messages: []string{fmt.Sprintf("a web page came back (%d) from %s, so that is no Polyaxon server, or a proxy stands in front of it that wants a login", code, from)}}
}

// whence gives the address that an answer came from, without its query.
func whence(response *http.Response) string {
	at := response.Request.URL
	return at.Scheme + "://" + at.Host + at.Path
}

// errorOf makes an *Error of an answer that is no success.
func errorOf(r request, response *http.Response, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		text = nil // the code says enough
	}
	code := response.StatusCode
	e := &Error{Method: r.method, Path: r.path, StatusCode: code, Messages: messages(text), Kind: Invalid}
	switch {
	// A gateway's page for a server that is down is HTML, and no other server.
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		e.Kind = Server
	case code == http.StatusUnauthorized:
		e.Kind = Auth
	// A gateway answers for a file that is not there by itself.
	case looksLikeHTML(text) && !(code == http.StatusNotFound && strings.HasPrefix(r.path, "/streams/")):
		return pageInstead(r, whence(response), code)
	case code == http.StatusForbidden:
		e.Kind = Auth
	case code == http.StatusNotFound:
		e.Kind = NotFound
	case code == http.StatusMethodNotAllowed && len(text) == 0:
		e.Kind = Server
	case code < 400:
		return r.strange(fmt.Sprintf("the server answers %s, as no Polyaxon server does", response.Status))
	}
	return e
}

// looksLikeHTML tells whether text is a web page: no other answer begins so.
func looksLikeHTML(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n"), []byte("<"))
}

// messages reads every shape that Polyaxon's errors have: a list of texts, lists
// by field, {"detail": text}, {"errors": ...}, plain text, nothing.
func messages(text []byte) []string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		if plain := strings.TrimSpace(string(text)); plain != "" && !looksLikeHTML(text) {
			return []string{first(plain, 4000)}
		}
		return nil
	}
	return flatten("", value)
}

// flatten gives each text of value with the path of the field that it is about.
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
	text := first(plain(value), 4000)
	if field != "" {
		text = field + ": " + text
	}
	return []string{text}
}

func first(text string, limit int) string {
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
