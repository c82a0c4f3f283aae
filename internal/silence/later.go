package silence

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter returns for how long a server asks to be left alone by the header
// Retry-After (RFC 9110, section 10.2.3): seconds, or a time, which is taken by the
// server's own clock. It is 0 where the server does not ask, or cannot be understood.
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
