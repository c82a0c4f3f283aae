package actions

import "strings"

// Obeyed tells whether a runner would take a line of text for a command: one that
// begins with :: after blanks, or has ##[ anywhere.
func Obeyed(text string) bool {
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

// Quoted gives text between commands that have the runner obey nothing in it. The
// token must be one that the text cannot know.
func Quoted(text, token string) string {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return "::stop-commands::" + token + "\n" + text + "::" + token + "::\n"
}
