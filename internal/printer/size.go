package printer

import "fmt"

// Bytes formats a size in powers of 1000: 0 B, 640 B, 1.5 kB, 2.3 MB.
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

// Part formats how much of a whole is done, such as "1.5 MB of 3.0 MB". Data that was
// sent again may make done larger than whole; whole is printed then.
func Part(done, whole int64) string { return Bytes(min(done, whole)) + " of " + Bytes(whole) }
