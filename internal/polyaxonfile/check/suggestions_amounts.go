package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var amountOfTime = lazyregexp.New(`^(\d+(?:\.\d+)?)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)$`)

// suggestSeconds returns a hint for a text that is a duration, such as 6h, where a number of
// seconds is expected. It returns "" for any other text.
func suggestSeconds(text string) string {
	var d time.Duration
	if m := amountOfTime.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text))); m != nil {
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[m[2][0]]
		var n float64
		if _, err := fmt.Sscan(m[1], &n); err != nil {
			return ""
		}
		d = time.Duration(n * float64(unit))
	} else if parsed, err := time.ParseDuration(text); err == nil {
		d = parsed
	}
	if d < time.Second {
		return ""
	}
	return fmt.Sprintf("write it in seconds: %d", int(d.Seconds()))
}

var amount = lazyregexp.New(`(?i)^\s*(\d+(?:[.,]\d+)?)\s*(?:([kmgtp])i?(?:b(?:ytes?)?)?|cores?|cpus?|gpus?|b(?:ytes?)?|(millicores?|milli))\s*$`)

// suggestQuantity returns a hint for a value that is not a Kubernetes quantity, such as
// 8GB.
func suggestQuantity(value any) string {
	m := amount.FindStringSubmatch(fmt.Sprint(value))
	if m == nil {
		return "write it as 500m, 2, 512Mi or 4Gi"
	}
	n := strings.ReplaceAll(m[1], ",", ".")
	switch unit := strings.ToUpper(m[2]); {
	case m[3] != "":
		return "write " + n + "m"
	case unit == "":
		return "write " + n
	case unit == "K":
		return "write " + n + "k, or " + n + "Ki for 1024 of them"
	default:
		return "write " + n + unit + ", or " + n + unit + "i for powers of 1024"
	}
}
