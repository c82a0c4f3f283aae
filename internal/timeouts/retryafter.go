package timeouts

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter returns how long the server asks the client to wait, by the header
// Retry-After (RFC 9110, section 10.2.3). A date is compared with the server's own Date
// header. RetryAfter returns 0 if the header is missing or invalid.
func RetryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	now, unknown := http.ParseTime(header.Get("Date"))
	if err != nil || unknown != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
