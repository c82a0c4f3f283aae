package tasks

import "github.com/slipway-ci/slipway/tasks/exit"

// The exit codes of slipway.
const (
	ExitOK          = exit.OK          // all that was asked is done; the run succeeded, or already had
	ExitFailed      = exit.Failed      // the run failed, or its upstream failed
	ExitUsage       = exit.Usage       // usage or configuration: a flag, slipway.yaml, a Polyaxonfile
	ExitStep        = exit.Step        // a step before the run failed: build, push, secrets, access
	ExitLost        = exit.Lost        // contact was lost: how the run ended is unknown; its address is printed
	ExitTimeout     = exit.Timeout     // the time limit passed
	ExitStopped     = exit.Stopped     // the run was stopped or skipped by someone else
	ExitPending     = exit.Pending     // the run cannot be scheduled (with --fail-pending)
	ExitChanges     = exit.Changes     // plan --exit-code: there are changes
	ExitInterrupted = exit.Interrupted // interrupted; the remote run was stopped (or left, by on-cancel)
)

// ExitCodes is the table above, as `slipway help exit-codes` prints it.
const ExitCodes = exit.Codes

// ExitCode returns the exit code for what a task returned. Of several errors joined, the one that
// comes first in this order counts: interrupted, usage, lost, time limit, pending, failed, stopped,
// step.
func ExitCode(err error) int { return exit.Code(err) }

// The errors that decide the exit code.
type (
	// UsageError is a command line that makes no sense.
	UsageError = exit.UsageError
	// ProblemsError says that check found errors. The Result has them.
	ProblemsError = exit.ProblemsError
	// ChangesError is how `plan --exit-code` says that there are changes.
	ChangesError = exit.ChangesError
	// InterruptedError says that a signal ended the command, and what became of the runs it
	// followed.
	InterruptedError = exit.InterruptedError
	// RunError is a run that ended in another way than succeeded.
	RunError = exit.RunError
	// TimeLimitError is a run that its time limit ended.
	TimeLimitError = exit.TimeLimitError
	// PendingError is a run that waited longer than --fail-pending allows.
	PendingError = exit.PendingError
	// NeverError is a job that asks for what the machine of the sandbox will never have.
	NeverError = exit.NeverError
)
