package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/patternmatcher"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
)

// partPrefix begins the name of a file that is not complete yet.
const partPrefix = atomicfile.Prefix + "gs-"

// file is a file of a place: one of this machine, or an object.
type file struct {
	size   int64
	info   fs.FileInfo     // of a file
	object *storage.Object // of an object
}

// generation returns the generation of an object, or 0 if there is none.
func (f *file) generation() int64 {
	if f == nil || f.object == nil {
		return 0
	}
	return f.object.Generation
}

// exclude returns the files that match patterns. The error is a *NameError with the first that is no pattern.
func exclude(patterns []string) (out excluded, err error) {
	for _, pattern := range patterns {
		if _, err := patternmatcher.New([]string{pattern}); err != nil {
			return out, &NameError{pattern, fmt.Sprintf("is not a pattern: %v", err)}
		}
	}
	if len(patterns) > 0 {
		out.PatternMatcher, err = patternmatcher.New(patterns)
	}
	return out, err
}

// excluded reports which names a sync leaves alone in both places.
type excluded struct{ *patternmatcher.PatternMatcher }

// ours reports whether a name is that of slipway's own files, which are left alone in both places: those in a
// directory .slipway, whatever its case as some file systems do not tell it, and files that are not complete.
func ours(name string) bool {
	return strings.Contains(strings.ToLower("/"+name), "/"+state.Name+"/") || strings.HasPrefix(path.Base(name), partPrefix)
}

func (e excluded) has(name string) (bool, error) {
	if e.PatternMatcher == nil {
		return false, nil
	}
	return e.MatchesOrParentMatches(name)
}

// listFiles returns the regular files below a directory, by their paths with slashes. skipped is told
// what else is there. A link counts as the file that it leads to, if that is in the directory.
// parts are the files that are not complete.
func listFiles(ctx context.Context, root *os.Root, out excluded, skipped func(name, why string)) (files map[string]*file, parts []string, err error) {
	files = map[string]*file{}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			return nil // it has just vanished
		case err != nil:
			return err
		case name == ".":
			return nil
		case entry.IsDir() && entry.Name() == state.Name:
			return fs.SkipDir // slipway's own files
		}
		if !entry.IsDir() && strings.HasPrefix(path.Base(name), partPrefix) {
			parts = append(parts, name)
			return nil
		}
		no, err := out.has(name)
		if err != nil || no || entry.IsDir() {
			return err
		}
		info, err := root.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && entry.Type()&fs.ModeSymlink == 0:
			return nil
		case err != nil:
			skipped(name, "it is a link that leads to no file of this directory")
		case !info.Mode().IsRegular():
			skipped(name, "it is neither a file nor a link to one")
		default:
			files[name] = &file{size: info.Size(), info: info}
		}
		return nil
	})
	return files, parts, err
}

// maxPlaceholder is how large an object may be, in bytes, that stands for a directory. Consoles make empty ones, but
// some programs cannot: those of Terraform have a sentence.
const maxPlaceholder = 1 << 10

// listObjects returns the objects below a prefix, by the rest of their names. An object that stands for a
// directory is not one of them, and neither is one that is excluded: found reports whether there is any object.
func listObjects(ctx context.Context, client *storage.Client, p Place, out excluded, skipped func(name, why string)) (files map[string]*file, found bool, err error) {
	files = map[string]*file{}
	for entry, err := range client.List(ctx, p.Bucket, p.below(), "") {
		if err != nil {
			return nil, false, Explain(ctx, client, err, p)
		}
		found = true
		name := strings.TrimPrefix(entry.Name, p.below())
		if name == "" || strings.HasSuffix(name, "/") {
			switch {
			case entry.Size == 0:
				continue
			case entry.Size <= maxPlaceholder:
				skipped(cmp.Or(name, p.below()), "it stands for a directory")
				continue
			}
		}
		no, err := out.has(name)
		if err != nil {
			return nil, false, err
		}
		if !no && ours(name) {
			skipped(name, "it has the name of one of slipway's own files")
			continue
		}
		if !no {
			files[name] = &file{size: entry.Size, object: entry.Object}
		}
	}
	return files, found, nil
}

// The metadata of an object by which it keeps the time and the mode of its file. gsutil and gcloud use
// the same names.
const (
	timeKey = "goog-reserved-file-mtime" // Unix seconds
	modeKey = "goog-reserved-posix-mode" // octal
)

// metadataOf returns what an object keeps of its file.
func metadataOf(info fs.FileInfo) map[string]string {
	return map[string]string{timeKey: strconv.FormatInt(info.ModTime().Unix(), 10), modeKey: strconv.FormatUint(uint64(info.Mode().Perm()), 8)}
}

// properties are what a file gets besides its content.
type properties struct {
	mode     fs.FileMode
	modified time.Time // zero for the time of the copy
	crc32c   uint32
}

// propertiesOf returns the properties of the file that an object keeps.
func propertiesOf(o *storage.Object, crc32c uint32) properties {
	p := properties{mode: modeOf(o), crc32c: crc32c}
	if seconds, err := strconv.ParseInt(o.Metadata[timeKey], 10, 64); err == nil {
		p.modified = time.Unix(seconds, 0)
	}
	return p
}

// modeOf returns the mode of the file that an object keeps, or 0o644. Its owner can always read and write
// it, so that the next sync can.
func modeOf(o *storage.Object) fs.FileMode {
	n, err := strconv.ParseUint(o.Metadata[modeKey], 8, 32)
	if err != nil {
		return 0o644
	}
	return fs.FileMode(n)&0o777 | 0o600
}
