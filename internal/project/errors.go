package project

import (
	"errors"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// UnknownName returns an *exit.UsageError for a name that slipway.yaml does not have. It
// suggests the nearest of the known names or lists them. what is the kind of thing that
// has the name, such as "image".
func UnknownName(what, name string, known []string) error {
	if near, ok := source.Nearest(name, known); ok {
		return exit.Usagef("%s %s not found in slipway.yaml (did you mean %s?)", what, name, near)
	}
	if len(known) == 0 {
		return exit.Usagef("%s %s not found: slipway.yaml has none", what, name)
	}
	return exit.Usagef("%s %s not found in slipway.yaml, which has %s", what, name, source.ShortenList(known, source.MaxListed))
}

// WithPosition returns err as a *source.Error at a position, unless err already is or wraps a
// *source.Error. It returns nil if err is nil.
func WithPosition(at source.Position, err error) error {
	if err == nil || isLocated(err) {
		return err
	}
	return &source.Error{Position: at, Message: err.Error(), Err: err}
}

// isLocated reports whether err is or wraps a *source.Error.
func isLocated(err error) bool { return errors.As(err, new(*source.Error)) }
