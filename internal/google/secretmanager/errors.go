package secretmanager

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// ChecksumError reports that a value does not have its checksum, because something on the
// way has changed it.
type ChecksumError struct{ Name Name }

// Error implements error.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("the secret %s arrived damaged: its checksum (CRC32C) is another: check whether a proxy changes it", e.Name)
}

// StateError reports that a version is disabled or destroyed.
type StateError struct {
	// Name is what was asked for, and Version the number of the version, which latest or an
	// alias hides.
	Name    Name
	Version string
	// State is DISABLED or DESTROYED.
	State string
	Err   error
}

// Error implements error.
func (e *StateError) Error() string {
	what := fmt.Sprintf("version %s of the secret %s", e.Version, e.Name.secret())
	advice := map[string]string{"DISABLED": "enable it, or name another version", "DESTROYED": "add a new version, or name another one"}[e.State]
	if e.Version != e.Name.Version {
		what += ", which is its " + e.Name.Version + " one,"
	}
	return fmt.Sprintf("%s is %s: %s", what, strings.ToLower(e.State), advice)
}

// Unwrap returns the refusal.
func (e *StateError) Unwrap() error { return e.Err }

// state matches the text of Secret Manager, such as
// "Secret Version [projects/1/secrets/db/versions/4] is in DESTROYED state.", as
// google-github-actions/get-secretmanager-secrets#268 has it.
var state = lazyregexp.New(`/versions/([A-Za-z0-9_-]+)\] is in (DISABLED|DESTROYED) state`)

// stateOf returns the *StateError of a refusal, or nil if it is about something else.
func stateOf(name Name, refused *google.APIError) error {
	m := state.FindStringSubmatch(refused.Message)
	if m == nil {
		return nil
	}
	return &StateError{Name: name, Version: m[1], State: m[2], Err: refused}
}

// NotFoundError reports that a secret or a version does not exist.
type NotFoundError struct {
	Name Name
	// Near is a secret of the project with a similar name, or "".
	Near string
	// Empty reports whether the secret exists and has no version.
	Empty bool
	Err   error
}

// Error implements error.
func (e *NotFoundError) Error() string {
	what := fmt.Sprintf("there is no secret %s in %s", e.Name.Secret, e.Name.where())
	switch {
	case e.Empty && e.Name.Version == Latest:
		return fmt.Sprintf("the secret %s in %s has no version yet: add one", e.Name.Secret, e.Name.where())
	case e.Empty:
		return fmt.Sprintf("the secret %s in %s has no version %s", e.Name.Secret, e.Name.where(), e.Name.Version)
	case e.Near != "":
		return what + ": did you mean " + e.Near + "?"
	case e.Name.Version == Latest:
		return what + ", or it has no version"
	}
	return what + ", or it has no version " + e.Name.Version
}

// Unwrap returns the refusal.
func (e *NotFoundError) Unwrap() error { return e.Err }

// maxPages bounds how many pages of secrets are read to explain that one is missing. A page has
// up to pageSize secrets, more than which Secret Manager does not give.
const (
	maxPages = 20
	pageSize = "1000"
)

// missing returns a *NotFoundError. It lists the secrets of the project, or of its region, if it may.
func (r *Reader) missing(ctx context.Context, name Name, err error) error {
	none := &NotFoundError{Name: name, Err: err}
	var names []string
	query := url.Values{"pageSize": {pageSize}}
	for range maxPages {
		var list struct {
			Secrets []struct {
				Name string `json:"name"`
			} `json:"secrets"`
			Next string `json:"nextPageToken"`
		}
		failed := r.client(name).Get(ctx, "v1/"+name.parent()+"/secrets", query, &list)
		if errors.Is(failed, context.Canceled) || errors.Is(failed, context.DeadlineExceeded) {
			return failed
		}
		if failed != nil {
			return none
		}
		for _, s := range list.Secrets {
			last := s.Name[strings.LastIndexByte(s.Name, '/')+1:]
			if none.Empty = last == name.Secret; none.Empty {
				return none
			}
			names = append(names, last)
		}
		if list.Next == "" {
			break
		}
		query.Set("pageToken", list.Next)
	}
	none.Near, _ = source.Nearest(name.Secret, names)
	return none
}
