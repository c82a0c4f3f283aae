package tasks

import "github.com/slipway-ci/slipway/tasks/exit"

// The exit codes of slipway.
const (
	ExitOK          = exit.OK          // everything asked for is done; the run succeeded, now or earlier
	ExitFailed      = exit.Failed      // the run failed or left no artifact, or its upstream failed, or a manifest is not rolled out
	ExitUsage       = exit.Usage       // usage or configuration: a flag, slipway.yaml, a Polyaxonfile
	ExitStep        = exit.Step        // a step before the run failed: build, push, secrets, access
	ExitLost        = exit.Lost        // contact was lost: how the run ended is unknown; its address is printed
	ExitTimeout     = exit.Timeout     // the time limit passed
	ExitStopped     = exit.Stopped     // the run was stopped or skipped by someone else
	ExitPending     = exit.Pending     // the run cannot be scheduled (with --fail-pending)
	ExitGate        = exit.Gate        // the metrics of a run do not meet what its job requires
	ExitChanges     = exit.Changes     // plan --exit-code: there are changes
	ExitInterrupted = exit.Interrupted // interrupted; the remote run was stopped (or left, by on-cancel)
)

// ExitCodes is the table of exit codes, as `slipway help exit-codes` prints it.
const ExitCodes = exit.Codes

// ExitCode returns the exit code for the error of a task. Of several joined errors, the
// first one in this order counts: interrupted, usage, lost, time limit, pending, failed,
// gate, stopped, step.
func ExitCode(err error) int { return exit.Code(err) }

// The errors that decide the exit code.
type (
	// UsageError says that a command was called with invalid arguments.
	UsageError = exit.UsageError
	// ProblemsError says that check found errors. The Result lists them.
	ProblemsError = exit.ProblemsError
	// ChecksError says that doctor found what keeps a deploy from working. The Result lists it.
	ChecksError = exit.ChecksError
	// ChangesError says that `plan --exit-code` found changes.
	ChangesError = exit.ChangesError
	// InterruptedError says that a signal ended the command, and what became of the runs that it
	// followed.
	InterruptedError = exit.InterruptedError
	// RunError says that a run ended with a status other than succeeded.
	RunError = exit.RunError
	// ArtifactError says that a run succeeded and left no file that matches a pattern of its
	// job's artifacts.
	ArtifactError = exit.ArtifactError
	// RolloutError says that an object of a manifest was applied, and is not rolled out.
	RolloutError = exit.RolloutError
	// RolloutPod is a pod that is not ready.
	RolloutPod = exit.RolloutPod
	// TimeLimitError says that a run passed its time limit.
	TimeLimitError = exit.TimeLimitError
	// GateError says that the metrics of a run that succeeded do not meet what its job requires.
	GateError = exit.GateError
	// PendingError says that a run waited longer than --fail-pending allows.
	PendingError = exit.PendingError
	// UnschedulableError says that a job needs resources that the sandbox's machine does not
	// have.
	UnschedulableError = exit.UnschedulableError
)
