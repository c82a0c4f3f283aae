package yaml11

import (
	"fmt"
	"strconv"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// timestamp matches PyYAML's dates and times.
var timestamp = lazyregexp.New(`^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$`)

// isDate reports whether a text has the form of a date or a time. A date without a time
// needs two digits for month and day.
func isDate(text string) bool {
	if len(text) < 8 || text[4] != '-' {
		return false
	}
	m := timestamp.FindStringSubmatch(text)
	return m != nil && (m[4] != "" || len(text) == len("2006-01-02"))
}

// parseDate returns a date as 2006-01-02, and a time as 2006-01-02T15:04:05+00:00, with a
// fraction of six digits if it has one. This is the form that Polyaxon writes. It returns
// an error for a date that does not exist.
func parseDate(text string) (string, error) {
	m := timestamp.FindStringSubmatch(text)
	number := func(i int) int {
		n, err := strconv.Atoi(m[i])
		if err != nil {
			return 0
		}
		return n
	}
	zone := time.UTC
	if m[9] != "" {
		offset := number(10)*3600 + number(11)*60
		if m[9] == "-" {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	}
	fraction := (m[7] + "000000")[:6]
	micro, err := strconv.Atoi(fraction)
	if err != nil {
		return "", fmt.Errorf("%q is not a valid time", text)
	}
	t := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), micro*1000, zone)
	if t.Year() != number(1) || int(t.Month()) != number(2) || t.Day() != number(3) || t.Hour() != number(4) || t.Minute() != number(5) ||
		t.Second() != number(6) || number(1) == 0 || number(10) > 23 {
		return "", fmt.Errorf("invalid date: %s", text)
	}
	switch {
	case m[4] == "":
		return t.Format("2006-01-02"), nil
	case micro == 0:
		return t.Format("2006-01-02T15:04:05-07:00"), nil
	}
	return t.Format("2006-01-02T15:04:05.000000-07:00"), nil
}
