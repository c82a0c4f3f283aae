package exit

import (
	"fmt"
	"strings"
)

// RunError is a run that ended in another way than succeeded.
type RunError struct {
	Job, UUID string
	// Status is how it ended: failed, upstream_failed, stopped, skipped.
	Status          string
	Reason, Message string
	// LastLines are the last lines that the job printed, or Container when that is
	// another one than the job's own.
	LastLines []string
	Container string
	// Service tells that it is no job.
	Service bool
	// Followed tells that the job's lines were told as they came, and Told that the
	// message was.
	Followed, Told bool
}

// Error gives the end of the run and the job's own last lines.
func (e *RunError) Error() string {
	if e.Container != "" {
		return e.end() + e.message() + lastLines("the last lines of container "+e.Container, e.LastLines)
	}
	return e.end() + e.message() + lastLines("its last lines", e.LastLines)
}

// Cause implements Told. Lines of another container than the job's own are not told
// before.
func (e *RunError) Cause() string {
	if !e.Followed || e.Container != "" {
		return e.Error()
	}
	return e.end() + e.message()
}

// Rest implements Told.
func (e *RunError) Rest() string {
	short := *e
	if e.Told {
		short.Message = ""
	}
	return short.Cause()
}

func (e *RunError) end() string {
	return fmt.Sprintf("%s %s: run %s %s", KindOf(e.Service), e.Job, e.UUID, e.Status)
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

// KindOf returns what a job is called: job, or service.
func KindOf(service bool) string {
	if service {
		return "service"
	}
	return "job"
}
