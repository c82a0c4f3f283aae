package timeouts

import "time"

const (
	// attempts is how often a request is sent that fails with temporary errors.
	attempts = 5
	// FirstPause is the time before the first retry. It doubles with each retry, to 3 s in total.
	FirstPause = 200 * time.Millisecond
	// maxWait limits the total time that one request waits because the server asks for it.
	maxWait = 10 * time.Minute
)

// Backoff decides when a request is sent again after temporary errors. The zero value is that
// of a new request.
type Backoff struct {
	failed int
	waited time.Duration
}

// Next returns how long to wait before the next attempt. It reports false if there should be
// none. asked is how long the server asks to wait, or 0. Such a wait does not count as an
// attempt, because the server is busy and not broken.
func (b *Backoff) Next(asked time.Duration) (time.Duration, bool) {
	if asked > 0 {
		b.waited += asked
		return asked, b.waited <= maxWait
	}
	b.failed++
	return FirstPause << (b.failed - 1), b.failed < attempts
}
