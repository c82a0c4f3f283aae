package printer

import "regexp"

// idDigits is how many digits of a run's id people are shown: commands take the
// beginning of one. JSON has them whole.
const idDigits = 8

// id finds the id of a run where a text names one; a path keeps it.
var id = regexp.MustCompile(`\b((?:run|status|logs|follow|stop|restart|resume|approve|artifacts) [0-9a-f]{8})[0-9a-f]{24}\b`)

// Brief gives text for people, in which runs are named by the beginning of their ids.
func Brief(text string) string { return id.ReplaceAllString(text, "$1") }

// whole is an id and nothing else.
var whole = regexp.MustCompile(`^[0-9a-f]{32}$`)

// shortSubject gives the subject of an event, which may be a run.
func shortSubject(text string) string {
	if whole.MatchString(text) {
		return shortID(text)
	}
	return text
}

func shortID(uuid string) string { return uuid[:min(len(uuid), idDigits)] }
