package shape

import (
	"slices"
	"time"
)

// DateTimes are forms of ISO 8601.
var DateTimes = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00",
}

// IsTime reports whether a text is a time in one of the forms.
func IsTime(text string, forms ...string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { _, err := time.Parse(form, text); return err == nil })
}

// IsName reports whether a text is a name: letters, digits, - and _.
func IsName(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text != ""
}
