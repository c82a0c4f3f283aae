package run

import "github.com/slipway-ci/slipway/internal/advice"

// explain returns what a reason and a message mean and what to do, in one line. It
// returns "" if that is not known.
func explain(reason, message string) string {
	todo := advice.For(advice.Run, reason, message)
	if todo == "" {
		return ""
	}
	said := advice.Brief(advice.Cause(message))
	if said == "" {
		said = reason
	}
	return said + "; " + todo
}
