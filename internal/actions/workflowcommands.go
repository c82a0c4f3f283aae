package actions

import "strings"

// ContainsCommand reports whether a runner would take text for a command: one of its lines
// begins with :: after spaces, or it contains ##[.
func ContainsCommand(text string) bool {
	if strings.Contains(text, "##[") {
		return true
	}
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			return true
		}
	}
	return false
}

// StopCommands returns text between commands that make the runner ignore commands in it. The
// token must be one that the author of the text cannot guess.
func StopCommands(text, token string) string {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return "::stop-commands::" + token + "\n" + text + "::" + token + "::\n"
}
