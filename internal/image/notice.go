package image

import "fmt"

// Level says how much a Notice matters.
type Level int

// The levels of notices.
const (
	// Detail is what goes on.
	Detail Level = iota
	// Step is a part of the work that begins, and how far it is.
	Step
	// Note is what the user should know.
	Note
	// Warning is what the user should look at.
	Warning
)

// Notice is something about an image that does not keep it from being built.
type Notice struct {
	Level Level
	Text  string
}

// tell gives a notice to whoever wants it.
func (s Spec) tell(level Level, format string, args ...any) {
	if s.Notice != nil {
		s.Notice(Notice{level, fmt.Sprintf(format, args...)})
	}
}
