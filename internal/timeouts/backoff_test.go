package timeouts

import (
	"slices"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct{ asked, want []time.Duration }{
		"the server does not ask": {make([]time.Duration, 9), []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms}},
		"a wait is no attempt":    {[]time.Duration{time.Minute, 0, time.Second, 0, 0, 0, 0}, []time.Duration{time.Minute, 200 * ms, time.Second, 400 * ms, 800 * ms, 1600 * ms}},
		"the longest wait":        {[]time.Duration{maxWait, 1}, []time.Duration{maxWait}},
		"longer than the longest": {[]time.Duration{maxWait + 1}, nil},
		"several are too long":    {[]time.Duration{maxWait / 2, maxWait / 2, 1}, []time.Duration{maxWait / 2, maxWait / 2}},
	} {
		var b Backoff
		var waits []time.Duration
		for _, asked := range c.asked {
			wait, again := b.Next(asked)
			if !again {
				break
			}
			waits = append(waits, wait)
		}
		if !slices.Equal(waits, c.want) {
			t.Errorf("%s: %v, want %v", name, waits, c.want)
		}
	}
}
