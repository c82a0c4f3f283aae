package source

import "strings"

// maxNear is the length in bytes up to which texts are compared: that of a word of distance. What people mistype
// is shorter.
const maxNear = 64

// Nearest returns the candidate that is closest to name, ignoring case. It returns false
// when none is close enough to be what the user meant: about a third of the longer of the
// two may differ, counted in Damerau-Levenshtein edits. A text of more than 64 bytes is
// close to none.
func Nearest(name string, candidates []string) (string, bool) {
	name = strings.ToLower(name)
	if name == "" || len(name) > maxNear {
		return "", false
	}
	best, bestDistance := "", -1
	from := newPattern(name)
	for _, c := range candidates {
		lower := strings.ToLower(c)
		limit := (max(len(name), len(lower)) + 1) / 3
		if bestDistance >= 0 {
			limit = min(limit, bestDistance-1)
		}
		if len(lower) > maxNear || len(lower)-len(name) > limit || len(name)-len(lower) > limit {
			continue
		}
		if d := from.distance(lower); d <= limit {
			best, bestDistance = c, d
		}
		if bestDistance == 0 {
			break
		}
	}
	return best, bestDistance >= 0
}

// MaxListed is how many names hints list.
const MaxListed = 50

// Suggest returns a hint for a name that is none of the known ones: the nearest of them, or all, after a text such as
// "known names are ". It returns "" if there are none.
func Suggest(name, all string, known []string) string {
	if near, ok := Nearest(name, known); ok {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return all + ShortenList(known, MaxListed)
}

// pattern is a text of 1 to 64 bytes, from which the distances of others are counted.
type pattern struct {
	size int
	// at has a bit for each place where the text has a byte.
	at [256]uint64
}

func newPattern(text string) *pattern {
	p := &pattern{size: len(text)}
	for n := range len(text) {
		p.at[text[n]] |= 1 << n
	}
	return p
}

// distance returns the number of insertions, deletions, substitutions and swaps of neighbours
// between the pattern and a text. The bits of a word are the differences between neighbours in a
// column of the matrix of distances, so that a whole column is computed at once (Hyyrö 2003, "A bit-vector
// algorithm for computing Levenshtein and Damerau edit distances"). So thousands of names are compared with
// thousands of others in seconds.
func (p *pattern) distance(text string) int {
	rises, falls := ^uint64(0), uint64(0) // of the column
	var diagonal, before uint64
	distance := p.size
	last := uint64(1) << (p.size - 1)
	for n := range len(text) {
		equal := p.at[text[n]]
		swapped := (^diagonal & equal) << 1 & before
		diagonal = ((equal&rises + rises) ^ rises) | equal | falls | swapped
		right, left := falls|^(diagonal|rises), diagonal&rises // of the row
		if right&last != 0 {
			distance++
		}
		if left&last != 0 {
			distance--
		}
		right = right<<1 | 1
		left <<= 1
		rises, falls = left|^(diagonal|right), right&diagonal
		before = equal
	}
	return distance
}
