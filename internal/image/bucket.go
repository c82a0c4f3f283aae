package image

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

const (
	// bucketBytes is how large a bucket is to be at most, about: it is what a
	// changed file makes slipway pack and send again.
	bucketBytes = 4 << 20
	// bucketLimit is into how many buckets files are spread at most. Container
	// runtimes take 127 layers, of which a base has up to 40.
	bucketLimit = 32
	// large is the size from which a file has a layer of its own.
	large = 16 << 20
	// largeLimit is how many of the largest have one.
	largeLimit = 16
)

// layout spreads entries over layers: the largest files have one each, all others
// are in buckets by the hash of their path, so that a changed file moves its
// bucket only. The number of buckets is a power of two that depends on the sum
// of the sizes.
func layout(dir string, entries []entry) []*content {
	var contents []*content
	rest := entries
	if big := largest(entries); len(big) > 0 {
		rest = nil
		for _, e := range entries {
			if big[e.name] {
				contents = append(contents, newContent("file "+e.file, dir, []entry{e}))
				continue
			}
			rest = append(rest, e)
		}
	}
	spread := make([][]entry, bucketCount(rest))
	for _, e := range rest {
		h := fnv.New32a()
		_, _ = h.Write([]byte(e.name))
		n := h.Sum32() % uint32(len(spread))
		spread[n] = append(spread[n], e)
	}
	for n, bucket := range spread {
		if len(bucket) > 0 {
			contents = append(contents, newContent(fmt.Sprintf("files (%d of %d)", n+1, len(spread)), dir, bucket))
		}
	}
	return contents
}

// largest gives the names of the files that have a layer of their own.
func largest(entries []entry) map[string]bool {
	var big []entry
	for _, e := range entries {
		if e.size >= large {
			big = append(big, e)
		}
	}
	slices.SortFunc(big, func(a, b entry) int { return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name)) })
	names := map[string]bool{}
	for _, e := range big[:min(len(big), largeLimit)] {
		names[e.name] = true
	}
	return names
}

// bucketCount gives the number of buckets for entries: at least 1.
func bucketCount(entries []entry) int {
	var total int64
	for _, e := range entries {
		total += e.size
	}
	count := 1
	for count < bucketLimit && total/int64(count) > bucketBytes {
		count *= 2
	}
	return count
}
