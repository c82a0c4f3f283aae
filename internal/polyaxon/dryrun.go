package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// CompileError reports that a server accepted an operation but could not compile it.
type CompileError struct {
	// Reason is that of the condition, usually SchedulerPrepare.
	Reason string
	// Message is the server's message without its fixed prefix.
	Message string
}

// Error implements error. It returns the server's message.
func (e *CompileError) Error() string { return e.Message }

// compiling is the prefix of the message of a run whose operation did not compile.
const compiling = "Failed to compile."

// CompileErrorOf returns the CompileError that a run's last condition describes, or nil
// if the run did not fail to compile. A condition only says that in its message.
func CompileErrorOf(conditions []Condition) *CompileError {
	if len(conditions) == 0 {
		return nil
	}
	last := conditions[len(conditions)-1]
	message, ok := strings.CutPrefix(strings.TrimSpace(last.Message), compiling)
	if last.Type != Failed || !ok && last.Reason != "SchedulerPrepare" {
		return nil
	}
	message = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(message), "Compilation Error:"))
	return &CompileError{Reason: last.Reason, Message: message}
}

// dryRunLimit is the timeout for the compilation of a dry run. It is also the timeout for
// its deletion, which happens even if the context is canceled.
const dryRunLimit = 30 * time.Second

// DryRun has the server compile an operation with its own catalog of connections, and
// returns the compiled operation as JSON. Nothing is run. The error is a *CompileError if
// the operation does not compile, and an *Error of kind Invalid if it is rejected. The
// server needs a run for this, which DryRun deletes, even when ctx is canceled. The error
// says so if the deletion fails.
func (c *Client) DryRun(ctx context.Context, project string, r CreateRun) (content string, err error) {
	r.DryRun = true
	created, err := c.CreateRun(ctx, project, r)
	if err != nil {
		return "", err
	}
	defer func() {
		deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), dryRunLimit)
		defer cancel()
		if deleted := c.Delete(deleting, project, created.UUID); deleted != nil {
			err = errors.Join(err, fmt.Errorf("delete run %s of the dry run: %w", created.UUID, deleted))
		}
	}()
	compiled, cancel := context.WithTimeout(ctx, dryRunLimit)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		status, conditions, err := c.Statuses(compiled, project, created.UUID)
		switch {
		case err != nil:
			return "", err
		case status == Compiled:
			told, err := c.Run(compiled, project, created.UUID)
			if err != nil {
				return "", err
			}
			return told.Content, nil
		case status.Terminal():
			if failed := CompileErrorOf(conditions); failed != nil {
				return "", failed
			}
			return "", fmt.Errorf("the dry run %s ended as %s", created.UUID, status)
		}
		if err := c.sleep(compiled, wait); err != nil {
			return "", fmt.Errorf("the server did not compile the operation in %s; the dry run is %s", dryRunLimit, status)
		}
	}
}
