package source

import "strings"

// maxNear is the length in bytes up to which texts are compared. What people mistype is shorter.
const maxNear = 256

// Nearest returns the candidate that is closest to name, ignoring case. It returns false
// when none is close enough to be what the user meant: about a third of the longer of the
// two may differ, counted in Damerau-Levenshtein edits. A text of more than 256 bytes is
// close to none.
func Nearest(name string, candidates []string) (string, bool) {
	if len(name) > maxNear {
		return "", false
	}
	best, bestDistance := "", -1
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if len(c) > maxNear {
			continue
		}
		limit := (max(len(name), len(c)) + 1) / 3
		if bestDistance >= 0 {
			limit = min(limit, bestDistance-1)
		}
		if d := distance(lower, strings.ToLower(c), limit); d <= limit {
			best, bestDistance = c, d
		}
		if bestDistance == 0 {
			break
		}
	}
	return best, bestDistance >= 0
}

// distance returns the number of insertions, deletions, substitutions and swaps of
// neighbours between two texts. If that is more than limit, it returns something that is
// more, without looking at all pairs of bytes.
func distance(a, b string, limit int) int {
	if limit == 0 && a == b {
		return 0
	}
	if limit <= 0 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	beforeLast, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		row[from-1] = limit + 1
		if from == 1 {
			row[0] = i
		}
		least := row[from-1]
		for j := from; j <= to; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			above := limit + 1 // outside of the band
			if j < i+limit || i == 1 {
				above = last[j] + 1
			}
			row[j] = min(above, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		beforeLast, last, row = last, row, beforeLast
	}
	return last[len(b)]
}
