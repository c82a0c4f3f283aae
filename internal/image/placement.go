package image

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

const (
	// maxLayers is the number of layers that container runtimes accept. overlayfs is
	// mounted with options that list all layers and must fit into one page of memory.
	maxLayers = 127
	// fileLayers is how many of them are for files and the program of an image that also
	// has requirements: the maximum that files are distributed over, and one for a program.
	fileLayers = maxBuckets + maxLargeFiles + 1
)

// directory is a directory that is made for entries, or that the base has.
type directory struct {
	name  string
	mode  int64
	owner Owner
}

// directories returns all parents of entries, sorted by name. Each has the owner of the
// first entry below it.
func directories(entries []entry) []directory {
	seen := map[string]bool{}
	var all []directory
	for _, e := range entries {
		for at := path.Dir(e.name); at != "/" && !seen[at]; at = path.Dir(at) {
			seen[at] = true
			all = append(all, directory{at, 0o755, e.owner})
		}
	}
	slices.SortFunc(all, func(a, b directory) int { return strings.Compare(a.name, b.name) })
	return all
}

// placedOn returns c as it is placed on a base. Directories that the base has keep their owners
// and modes, and entries below a link of the base go to where the link leads. If the base
// has none of the directories, on returns c.
func (c *content) placedOn(fs *rootfs.FS) *content {
	real := map[string]string{}
	placed := slices.Clone(c.entries)
	moved := false
	for n, e := range placed {
		dir := path.Dir(e.name)
		to, ok := real[dir]
		if !ok {
			to = fs.Real(dir)
			real[dir] = to
		}
		placed[n].name = path.Join(to, path.Base(e.name))
		moved = moved || to != dir
	}
	if moved {
		slices.SortFunc(placed, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	}
	parents := directories(placed)
	identity := sha256.New()
	fmt.Fprintf(identity, "%s\n", c.fingerprint)
	kept := false
	for n, d := range parents {
		if node, ok := fs.Node(d.name); ok && node.Kind == rootfs.Directory {
			parents[n] = directory{d.name, node.Mode, Owner{node.UID, node.GID}}
			kept = kept || parents[n] != d
		}
		fmt.Fprintf(identity, "%q %o %d:%d\n", d.name, parents[n].mode, parents[n].owner.User, parents[n].owner.Group)
	}
	if !moved && !kept {
		return c
	}
	other := *c
	other.entries, other.parents, other.fingerprint = placed, parents, hex.EncodeToString(identity.Sum(nil))
	return &other
}

// placeOn returns contents as they are placed on a base, in at most limit layers.
func placeOn(ctx context.Context, contents []*content, parent *base, limit int) ([]*content, error) {
	placed := make([]*content, len(contents))
	err := parent.withFS(ctx, func(fs *rootfs.FS) {
		for n, c := range contents {
			placed[n] = c.placedOn(fs)
		}
	})
	return limitLayers(placed, limit), err
}

// layerLimits returns how many layers an image may have on a base: below for its requirements,
// and above for its files and its program. The numbers depend only on the base and the
// kind, so that a change of the files does not change the layers of the requirements.
func (r *Recipe) layerLimits(parent *base) (below, above int, err error) {
	limit := maxLayers - len(parent.layers)
	if len(r.system.Packages) > 0 {
		limit--
	}
	needs := map[string]int{KindFiles: 1, KindGo: 2, KindPython: 4}[r.spec.Kind]
	if limit < needs {
		return 0, 0, refuseBase(r.spec, nil, "choose a base with fewer layers, or squash it", "has %d layers, and container runtimes support at most %d", len(parent.layers), maxLayers)
	}
	if r.spec.Kind != KindPython {
		return 0, limit, nil
	}
	above = min(fileLayers, limit/2)
	return limit - above, above, nil
}

// limitLayers merges contents until there are at most limit of them. The largest stay separate.
// The others share layers by the hash of their description, so that a change of one affects
// only the layer that it is in.
func limitLayers(contents []*content, limit int) []*content {
	if len(contents) <= limit {
		return contents
	}
	bySize := slices.Clone(contents)
	slices.SortFunc(bySize, func(a, b *content) int {
		return cmp.Or(compareTrue(a.description == programContent, b.description == programContent), cmp.Compare(b.bytes, a.bytes), strings.Compare(a.description, b.description))
	})
	own := map[*content]bool{}
	for _, c := range bySize[:limit/2] {
		own[c] = true
	}
	shared := make([][]*content, limit-limit/2)
	var result []*content
	for _, c := range contents {
		if own[c] {
			result = append(result, c)
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(c.description))
		n := h.Sum32() % uint32(len(shared))
		shared[n] = append(shared[n], c)
	}
	var together []*content
	for _, group := range shared {
		if len(group) > 0 {
			together = append(together, merge(group))
		}
	}
	return append(together, result...)
}

// compareTrue orders true before false.
func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// merge makes one content of several, whose files are of the same tree.
func merge(group []*content) *content {
	if len(group) == 1 {
		return group[0]
	}
	whole := &content{dir: group[0].dir, requirements: group[0].requirements}
	identity := sha256.New()
	var names []string
	parents := map[string]directory{}
	for _, c := range group {
		fmt.Fprintf(identity, "%s\n", c.fingerprint)
		names = append(names, c.description)
		whole.bytes += c.bytes
		whole.entries = append(whole.entries, c.entries...)
		for _, d := range c.parents {
			if _, ok := parents[d.name]; !ok {
				parents[d.name] = d
			}
		}
	}
	for _, d := range parents {
		whole.parents = append(whole.parents, d)
	}
	slices.SortFunc(whole.parents, func(a, b directory) int { return strings.Compare(a.name, b.name) })
	slices.SortFunc(whole.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	whole.description, whole.fingerprint = strings.Join(names, ", "), hex.EncodeToString(identity.Sum(nil))
	return whole
}
