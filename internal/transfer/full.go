package transfer

import (
	"errors"
	"fmt"
)

// FullError reports that a directory has no room for what is copied to it. No part of a file is left there, and
// complete files stay.
type FullError struct {
	// To is what the user gave.
	To  string
	Err error
}

// Error implements error.
func (e *FullError) Error() string {
	return fmt.Sprintf("the disk of %s is full (%v): make room, and run the command again; complete files stay", e.To, cause(e.Err))
}

// Unwrap returns Err.
func (e *FullError) Unwrap() error { return e.Err }

// explainFull removes what is not complete if err says that the disk is full, as others may need the room. It
// returns other errors as they are.
func (j *job) explainFull(err error, changes []Change, finished []bool) error {
	if j.To.Remote() || j.To.ByShell() || !isFull(err) {
		return err
	}
	errs := []error{&FullError{To: j.To.Text, Err: err}}
	for n, c := range changes {
		if !c.Delete && !finished[n] {
			errs = append(errs, j.removePart(j.part(c.Name)))
		}
	}
	return errors.Join(errs...)
}
