package image

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/source"
)

// entry is one file or symbolic link of an image.
type entry struct {
	// name is where it goes, absolute.
	name string
	// source is the file to read; link is a symbolic link's target instead.
	source, link string
	mode         fs.FileMode
	size         int64
}

// bucketCount is into how many layers files are spread by the hash of their
// path: a changed file moves its bucket only.
const bucketCount = 8

// excluded tells what never goes into an image: what belongs to tools, and
// credentials that CI actions leave in the workspace.
func excluded(name string) bool {
	switch name {
	case ".git", ".slipway", ".cache", "__pycache__", "id_rsa", "id_ed25519", ".netrc":
		return true
	}
	return strings.HasPrefix(name, "gha-creds-") && strings.HasSuffix(name, ".json")
}

// collect gives the entries of the spec's files, by name.
func collect(ctx context.Context, s Spec) ([]entry, error) {
	root, err := filepath.EvalSymlinks(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree of image %s: %w", s.Name, err)
	}
	found := map[string]entry{}
	for _, file := range s.Files {
		start := filepath.Join(root, filepath.FromSlash(file))
		err := filepath.WalkDir(start, func(at string, d fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return refuse(s, root, at, err)
			}
			if excluded(d.Name()) && at != root {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if d.IsDir() {
				return nil
			}
			e, err := newEntry(s, root, at, d)
			if err == nil {
				found[e.name] = e
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s would have no files: %s holds none", s.Name, strings.Join(s.Files, ", "))}
	}
	entries := make([]entry, 0, len(found))
	for _, e := range found {
		entries = append(entries, e)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].name < entries[j].name })
	return entries, nil
}

func newEntry(s Spec, root, at string, d fs.DirEntry) (entry, error) {
	relative, err := filepath.Rel(root, at)
	if err != nil {
		return entry{}, refuse(s, root, at, err)
	}
	relative = filepath.ToSlash(relative)
	if !utf8.ValidString(relative) {
		return entry{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the name of %q is not UTF-8", s.Name, relative), Hint: "rename it"}
	}
	e := entry{name: path.Join(s.Workdir, relative), source: at, mode: 0o644}
	info, err := d.Info()
	if err != nil {
		return entry{}, refuse(s, root, at, err)
	}
	switch {
	case info.Mode().IsRegular():
		if info.Mode()&0o111 != 0 {
			e.mode = 0o755
		}
		e.size = info.Size()
		return e, nil
	case info.Mode()&fs.ModeSymlink == 0:
		return entry{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s is neither a file nor a link", s.Name, relative)}
	}
	target, err := filepath.EvalSymlinks(at)
	if err != nil {
		return entry{}, refuse(s, root, at, err)
	}
	if inside, err := filepath.Rel(root, target); err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return entry{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the link %s leaves the repository", s.Name, relative)}
	}
	link, err := os.Readlink(at)
	if err != nil {
		return entry{}, refuse(s, root, at, err)
	}
	if filepath.IsAbs(link) {
		return entry{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the link %s has an absolute target, which is elsewhere in the image", s.Name, relative), Hint: "make it relative"}
	}
	e.source, e.link = "", filepath.ToSlash(link)
	return e, nil
}

// refuse names the file that cannot be read.
func refuse(s Spec, root, at string, err error) error {
	shown := at
	if relative, relErr := filepath.Rel(root, at); relErr == nil {
		shown = filepath.ToSlash(relative)
	}
	e := &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s cannot be read: %v", s.Name, shown, cause(err)), Err: err}
	if os.IsNotExist(err) {
		e.Message, e.Hint = fmt.Sprintf("image %s: there is no %s", s.Name, shown), "check the files that slipway.yaml lists"
	}
	return e
}

// cause is an error without the path that fs.PathError repeats.
func cause(err error) error {
	if pathError, ok := err.(*fs.PathError); ok { //nolint:errorlint // only the outermost one
		return pathError.Err
	}
	return err
}

// buckets spreads entries over layers; small trees get one.
func buckets(entries []entry) [][]entry {
	if len(entries) < 2*bucketCount {
		return [][]entry{entries}
	}
	spread := make([][]entry, bucketCount)
	for _, e := range entries {
		h := fnv.New32a()
		_, _ = h.Write([]byte(e.name))
		n := h.Sum32() % bucketCount
		spread[n] = append(spread[n], e)
	}
	var filled [][]entry
	for _, bucket := range spread {
		if len(bucket) > 0 {
			filled = append(filled, bucket)
		}
	}
	return filled
}
