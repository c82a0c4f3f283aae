package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// Error is a refusal by Cloud Storage, as it was received.
type Error struct {
	// Code is the HTTP status.
	Code int
	// Reason is Google's name of the error, such as conditionNotMet, and Message its text.
	Reason, Message string
	// Wait is how long the service asks to wait before the next attempt, or 0.
	Wait time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = "no explanation"
	}
	return fmt.Sprintf("Cloud Storage: %s (%d %s)", strings.TrimSuffix(text, "."), e.Code, http.StatusText(e.Code))
}

// ConflictError reports that an object was written by another program since it was looked at.
type ConflictError struct {
	Object string
	Err    error
}

// Error implements error.
func (e *ConflictError) Error() string {
	return e.Object + " was changed by another program at the same time, and was left as it is: run the command again"
}

// Unwrap returns the refusal.
func (e *ConflictError) Unwrap() error { return e.Err }

// ChecksumError reports that content arrived with another CRC32C than it was sent with.
type ChecksumError struct{ Object string }

// Error implements error.
func (e *ChecksumError) Error() string {
	return e.Object + ": the content has another CRC32C than Cloud Storage says: it was changed on its way"
}

// Is reports whether Cloud Storage refused a request with a code.
func Is(err error, code int) bool {
	refused := new(Error)
	return errors.As(err, &refused) && refused.Code == code
}

// namesPermission matches the permission in the explanation of a refusal.
var namesPermission = lazyregexp.New(`\bstorage\.[a-z]+\.[A-Za-z]+\b`)

// Permission reports whether Cloud Storage refused a request because the account lacks a permission. It refuses others,
// also with the reason forbidden, because of a policy of the organization, a hold or the billing of the project.
func Permission(err error) bool {
	refused := new(Error)
	return errors.As(err, &refused) && refused.Code == http.StatusForbidden && (refused.Message == "" || namesPermission.MatchString(refused.Message))
}

// Scope reports whether Cloud Storage refused a request because the access token lacks a scope, whatever the account's
// permissions are. Virtual machines of Google Cloud may only read by default.
func Scope(err error) bool {
	refused := new(Error)
	return errors.As(err, &refused) && refused.Code == http.StatusForbidden &&
		(refused.Reason == "insufficientPermissions" || strings.Contains(strings.ToLower(refused.Message), "scope"))
}

// RequesterPays reports whether Cloud Storage refused a request because it does not say which project pays for it.
func RequesterPays(err error) bool {
	refused := new(Error)
	return errors.As(err, &refused) && (refused.Reason == "required" || refused.Reason == "UserProjectMissing")
}

// refusalOf reads a refusal.
func refusalOf(response *http.Response, body []byte) *Error {
	e := &Error{Code: response.StatusCode, Wait: timeouts.RetryAfter(response.Header)}
	var answer struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	e.Message = string(body)
	if json.Unmarshal(body, &answer) == nil {
		e.Message = answer.Error.Message
		if len(answer.Error.Errors) > 0 {
			e.Reason = answer.Error.Errors[0].Reason
		}
	}
	e.Message = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(e.Message[:min(len(e.Message), 1000)], ""))), " ")
	return e
}
