package exit

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// RunError says that a run ended with a status other than succeeded.
type RunError struct {
	Job, UUID string
	// Status is the final status: failed, upstream_failed, stopped or skipped.
	Status          string
	Reason, Message string
	// LastLines are the last lines of the job's own container or, if Container is set, of that
	// container.
	LastLines []string
	Container string
	// At is the place of the last call in a traceback of Python among the last lines that lies
	// in a file which slipway put into the image. File is an absolute path, "" without one.
	At report.Position
	// Service reports whether the run belongs to a service rather than a job.
	Service bool
	// Followed reports whether the job's lines were printed as they arrived. Reported reports
	// whether Message has been printed.
	Followed, Reported bool
}

// Error says how the run ended, followed by its last lines.
func (e *RunError) Error() string {
	if e.Container != "" {
		return e.end() + e.message() + lastLines("the last lines of container "+e.Container, e.LastLines)
	}
	return e.end() + e.message() + lastLines("its last lines", e.LastLines)
}

// Cause implements Reported. It keeps the lines of a container other than the job's own,
// because they have not been printed.
func (e *RunError) Cause() string {
	if !e.Followed || e.Container != "" {
		return e.Error()
	}
	return e.end() + e.message()
}

// Rest implements Reported.
func (e *RunError) Rest() string {
	short := *e
	if e.Reported {
		short.Message = ""
	}
	return short.Cause()
}

func (e *RunError) end() string {
	return fmt.Sprintf("%s %s: run %s %s", kindOf(e.Service), e.Job, e.UUID, e.Status)
}

func (e *RunError) message() string {
	if why := strings.TrimSpace(e.Message); why != "" {
		return ": " + why
	}
	return ""
}

func lastLines(of string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "\n" + of + ":\n  " + strings.Join(lines, "\n  ")
}

// kindOf returns "service" or "job".
func kindOf(service bool) string {
	if service {
		return "service"
	}
	return "job"
}
