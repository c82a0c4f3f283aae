package image

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

const (
	// bucketBytes is the target for the maximum size of a bucket in bytes. A changed file
	// makes slipway pack and send about that much again.
	bucketBytes = 4 << 20
	// maxBuckets is the maximum number of buckets. Container runtimes accept 127 layers,
	// of which a base has up to 40.
	maxBuckets = 32
	// largeFile is the size in bytes from which a file gets a layer of its own.
	largeFile = 16 << 20
	// maxLargeFiles is the maximum number of files with a layer of their own.
	maxLargeFiles = 16
)

// distribute distributes entries over layers. The largest files have one layer each. All others
// are in buckets by the hash of their path, so that a changed file changes only its bucket.
// The number of buckets is a power of two that depends on the total size.
func distribute(dir string, entries []entry) []*content {
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

// largest returns the names of the files that get a layer of their own.
func largest(entries []entry) map[string]bool {
	var big []entry
	for _, e := range entries {
		if e.size >= largeFile {
			big = append(big, e)
		}
	}
	slices.SortFunc(big, func(a, b entry) int { return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name)) })
	names := map[string]bool{}
	for _, e := range big[:min(len(big), maxLargeFiles)] {
		names[e.name] = true
	}
	return names
}

// bucketCount returns the number of buckets for entries, at least 1.
func bucketCount(entries []entry) int {
	var total int64
	for _, e := range entries {
		total += e.size
	}
	count := 1
	for count < maxBuckets && total/int64(count) > bucketBytes {
		count *= 2
	}
	return count
}
