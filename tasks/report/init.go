package report

// Init is what init found in a repository and wrote into it.
type Init struct {
	Found []Found   `json:"found,omitempty"`
	Files []NewFile `json:"files,omitempty"`
	// Next are the commands to type next.
	Next []string `json:"next,omitempty"`
}

// Found is something that decided what init writes, and where it was seen.
type Found struct {
	Position
	What string `json:"what"`
}

// NewFile is a file that was, or would be, written.
type NewFile struct {
	Path   string `json:"path"`
	Action Action `json:"action"` // create, append, created, appended
	Reason string `json:"reason"`
	// Text is what is written, and Command the command that makes it. With --dry-run, one of
	// them is set.
	Text    string `json:"text,omitempty"`
	Command string `json:"command,omitempty"`
}

// Question is a question to the user. An answer that is "" means Default.
type Question struct {
	// Flag is the flag that answers it, without dashes.
	Flag string
	Text string
	// Default is the answer of a user who only presses Enter.
	Default string
	// Options are the only answers that are taken, or nil.
	Options []string
}
