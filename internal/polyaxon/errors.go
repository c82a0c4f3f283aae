package polyaxon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
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
	switch e.Kind {
	case Auth:
		return fmt.Sprintf("%s: the server refuses the credentials (%d %s); check polyaxon.token", what, e.StatusCode, words)
	case NotPolyaxon:
		return fmt.Sprintf("%s: %s", what, words)
	case Server:
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

// Temporary tells whether the same request may succeed when sent again. For a
// request that changes something it also means that the change may have been made.
func Temporary(err error) bool {
	var contact *ContactError
	if errors.As(err, &contact) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && (e.Kind == Server || e.StatusCode == http.StatusTooManyRequests)
}

// errorOf makes an *Error of an answer that is no success.
func errorOf(method, path string, response *http.Response, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		text = nil
	}
	e := &Error{Method: method, Path: path, StatusCode: response.StatusCode, Messages: messages(text)}
	html := strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
	switch code := response.StatusCode; {
	case html && looksLikeHTML(text) && code != http.StatusInternalServerError && !strings.HasPrefix(path, "/streams/"):
		return notPolyaxon(method, path, code)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		e.Kind = Auth
	case code == http.StatusMethodNotAllowed && len(text) == 0:
		e.Kind = Server
	case code == http.StatusNotFound:
		e.Kind = NotFound
	case code >= 500:
		e.Kind = Server
	default:
		e.Kind = Invalid
	}
	return e
}

func notPolyaxon(method, path string, code int) error {
	return &Error{Method: method, Path: path, StatusCode: code, Kind: NotPolyaxon,
		Messages: []string{fmt.Sprintf("a web page came back (%d), so this is no Polyaxon server, or a proxy stands in front of it that wants a login", code)}}
}

// messages reads every shape that Polyaxon's errors have: a list of texts, lists
// by field, {"detail": text}, {"errors": ...}, plain text, nothing.
func messages(text []byte) []string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		if plain := strings.TrimSpace(string(text)); plain != "" && !looksLikeHTML(text) {
			return []string{first(plain, 2000)}
		}
		return nil
	}
	return flatten("", value)
}

func flatten(field string, value any) []string {
	switch x := value.(type) {
	case string:
		if field != "" && field != "detail" && field != "errors" && field != "non_field_errors" {
			x = field + ": " + x
		}
		return []string{first(x, 4000)}
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
			all = append(all, flatten(name, x[name])...)
		}
		return all
	case nil:
		return nil
	}
	return []string{fmt.Sprint(value)}
}

func first(text string, limit int) string {
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}
