package printer

import "fmt"

// Bytes gives n as people read sizes: 0 B, 640 B, 1.5 kB, 2.3 MB (powers of 1000).
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 999.95 && unit < 4 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[unit])
}

// Part gives how much of a whole is done: 1.5 MB of 3.0 MB. What was sent twice counts
// once: it is never more than the whole.
func Part(done, whole int64) string { return Bytes(min(done, whole)) + " of " + Bytes(whole) }
