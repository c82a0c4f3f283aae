package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// CompileError is an operation that a server took, and that did not compile.
type CompileError struct {
	// Reason is the condition's, SchedulerPrepare as a rule.
	Reason string
	// Message is the server's, without its first words.
	Message string
}

// Error gives the server's words.
func (e *CompileError) Error() string { return e.Message }

// compiling is the beginning of the message of a run that did not compile.
const compiling = "Failed to compile."

// AsCompileError tells whether a run's last condition says that its operation did not
// compile; nil when it does not.
func AsCompileError(conditions []Condition) *CompileError {
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

// dryRunLimit bounds how long a dry run may compile, and how long its deletion may
// take when the context has ended.
const dryRunLimit = 30 * time.Second

// DryRun has the server compile an operation with its own catalog of connections, and
// gives the compiled one, as JSON; nothing is run. One that does not compile is a
// *CompileError, one that is refused an *Error of kind Invalid. The run that the
// server needs for it is deleted again, also when ctx is cancelled meanwhile; the
// error says so when that fails.
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
			if failed := AsCompileError(conditions); failed != nil {
				return "", failed
			}
			return "", fmt.Errorf("the dry run %s ended as %s", created.UUID, status)
		}
		if err := c.sleep(compiled, wait); err != nil {
			return "", fmt.Errorf("the server did not compile the operation in %s; the dry run is %s", dryRunLimit, status)
		}
	}
}
