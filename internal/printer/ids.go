package printer

import "github.com/slipway-ci/slipway/internal/lazyregexp"

// idDigits is how many digits of a run's id are shown to users. Commands accept the
// beginning of an id. JSON has the whole id.
const idDigits = 8

// idAfterWord matches a run's id after a word that names a run. An id in a path is not
// shortened.
var idAfterWord = lazyregexp.New(`\b((?:run|status|logs|follow|stop|restart|resume|approve|artifacts) [0-9a-f]{8})[0-9a-f]{24}\b`)

// ShortenIDs returns text with the ids of runs shortened, for users.
func ShortenIDs(text string) string { return idAfterWord.ReplaceAllString(text, "$1") }

// fullID matches a run's id and nothing else.
var fullID = lazyregexp.New(`^[0-9a-f]{32}$`)

// shortSubject returns the subject of an event, shortened if it is a run's id.
func shortSubject(text string) string {
	if fullID.MatchString(text) {
		return shortID(text)
	}
	return text
}

func shortID(uuid string) string { return uuid[:min(len(uuid), idDigits)] }
