package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/exclusion"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// entry is a file or symbolic link of an image.
type entry struct {
	// name is the absolute path in the image.
	name string
	// file is the path in the tree, with slashes.
	file string
	// link is the target of a symbolic link, or "" for a file.
	link string
	mode fs.FileMode
	// owner is the owner of the entry and of directories that are made for it.
	owner Owner
	// size in bytes and sum (SHA-256) describe the content, once it has been read.
	size int64
	sum  [32]byte
	// info is the metadata of a file before it was read.
	info fs.FileInfo
	// open opens content that is not a file of the tree. The source of the content verifies
	// it.
	open func() (io.ReadCloser, error)
	// deflated is the content in deflated form, or nil if the source has none.
	deflated *wheel.Deflated
}

// collector finds the entries of an image. It accesses files only through root, which links
// cannot leave.
type collector struct {
	spec Spec
	root *os.Root
	// at is the position in slipway.yaml of the path that is being read.
	at source.Position
	// ignored is what .dockerignore leaves out.
	ignored *ignored
	found   map[string]entry
	// excluded are files that are left out because they hold credentials.
	excluded []string
}

// collect reads the spec's files and returns their entries, sorted by name. Like version
// control, it leaves out empty directories.
func collect(ctx context.Context, s Spec, known *stamps) ([]entry, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree of image %s: %w", s.Name, err)
	}
	defer root.Close()
	c := &collector{spec: s, root: root, at: s.At, found: map[string]entry{}}
	if c.ignored, err = readIgnored(root); err != nil {
		return nil, err
	}
	for _, file := range s.Files {
		c.at = s.positionOf(file)
		if err := c.walk(ctx, file); err != nil {
			return nil, err
		}
	}
	c.at = s.At
	entries := make([]entry, 0, len(c.found))
	for _, e := range c.found {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	keys, err := readEntries(ctx, root, entries, known)
	if err != nil {
		return nil, c.unreadable(err)
	}
	for _, e := range entries {
		if keys[e.file] && slices.Contains(s.Files, e.file) {
			return nil, c.refuse("pass it to the job as a secret, and remove it from files", "%s contains a private key, which is never added to an image", e.file)
		}
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return keys[e.file] })
	c.notices(entries, slices.Sorted(maps.Keys(keys)))
	for _, n := range c.absent(entries).Notices(s.Name) {
		c.spec.Notify(n.Level, "%s", n.Text)
	}
	if len(entries) == 0 {
		return nil, c.refuse("", "it has no files to add: %s is empty or fully excluded", strings.Join(s.Files, ", "))
	}
	return entries, c.checkProgram(entries)
}

// walk adds the file at a path that slipway.yaml names, or the files below it.
func (c *collector) walk(ctx context.Context, named string) error {
	for at := named; at != "."; at = path.Dir(at) {
		if exclusion.Excluded(path.Base(at)) {
			return c.refuse("remove it from files", "%s is never added to an image", named)
		}
		if info, err := c.root.Lstat(filepath.FromSlash(at)); err == nil && at != named && info.Mode()&fs.ModeSymlink != 0 {
			return c.refuse("name what it points to", "%s goes through the symbolic link %s", named, at)
		}
	}
	if slices.Contains(c.spec.Hidden, named) {
		return c.refuse("remove it from files", "%s is never added to an image, because slipway.yaml reads a secret from it", named)
	}
	// WalkDir follows a link only if it is the starting point.
	if info, err := c.root.Lstat(filepath.FromSlash(named)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return c.add(named, fs.FileInfoToDirEntry(info))
	}
	return fs.WalkDir(c.root.FS(), named, func(at string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return c.unreadable(&fs.PathError{Op: "read", Path: at, Err: cause(err)})
		case exclusion.Excluded(d.Name()) && d.IsDir():
			return fs.SkipDir
		case exclusion.HoldsCredentials(d.Name()), slices.Contains(c.spec.Hidden, at):
			c.excluded = append(c.excluded, at)
			return nil
		case d.IsDir() && at != "." && c.ignored.matches(at) && c.ignored.ignoresAllBelow():
			return fs.SkipDir
		case exclusion.Excluded(d.Name()), d.IsDir(), c.ignored.matches(at):
			return nil
		}
		return c.add(at, d)
	})
}

// notices reports files that should hardly be in an image, and credentials that were left
// out.
func (c *collector) notices(entries []entry, keys []string) {
	var secrets []string
	for _, e := range entries {
		if exclusion.OftenSecret(e.file) {
			secrets = append(secrets, e.file)
		}
	}
	for _, n := range CredentialNotices(c.spec.Name, secrets, slices.Concat(c.excluded, keys)) {
		c.spec.Notify(n.Level, "%s", n.Text)
	}
}

// add adds a file or link of the tree.
func (c *collector) add(at string, d fs.DirEntry) error {
	if !utf8.ValidString(at) {
		return c.refuse("rename it", "the name of %q is not UTF-8", at)
	}
	if isWhiteout(at) {
		return c.refuse("rename it, or exclude it in .dockerignore", "%s cannot be in an image: a name that begins with %s deletes files of the base", at, whiteout)
	}
	info, err := d.Info()
	if err != nil {
		return c.unreadable(&fs.PathError{Op: "read", Path: at, Err: cause(err)})
	}
	e := entry{name: path.Join(c.spec.Workdir, at), file: at, mode: 0o644, info: info, owner: c.spec.Owner}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if e.link, err = c.link(at); err != nil {
			return err
		}
		e.mode = 0o777
	case !info.Mode().IsRegular():
		return c.refuse("remove it, or list the files next to it one by one", "%s is not a regular file, a directory or a symbolic link", at)
	case info.Mode()&0o111 != 0:
		e.mode = 0o755
	}
	c.found[e.name] = e
	return nil
}

// link returns the target of a symbolic link. The target must be inside the tree, because
// the image has the same relative paths. It need not exist.
func (c *collector) link(at string) (string, error) {
	name := filepath.FromSlash(at)
	target, err := c.root.Readlink(name)
	if err != nil {
		return "", c.unreadable(&fs.PathError{Op: "read", Path: at, Err: cause(err)})
	}
	target = filepath.ToSlash(target)
	for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
		// By PEP 405, this file marks a virtual environment.
		if _, err := c.root.Lstat(filepath.FromSlash(dir + "/pyvenv.cfg")); err == nil {
			return "", c.refuse("add "+dir+" to .dockerignore; packages are added to an image by python.requirements", "%s is a virtual environment, which works on this machine only", dir)
		}
	}
	if path.IsAbs(target) || filepath.IsAbs(target) {
		return "", c.refuse("make it relative", "the symbolic link %s has an absolute target, %s, which is elsewhere in the image", at, target)
	}
	if to := path.Join(path.Dir(at), target); to == ".." || strings.HasPrefix(to, "../") {
		return "", c.refuse("copy what it points to into the repository", "the symbolic link %s points outside the repository, to %s", at, target)
	}
	if _, err := c.root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return "", c.refuse("copy what it points to into the repository", "the symbolic link %s to %s cannot be followed inside the repository: %v", at, target, cause(err))
	}
	return target, nil
}

// checkProgram returns an error if a file would have the path of the program.
func (c *collector) checkProgram(entries []entry) error {
	if c.spec.Kind != KindGo {
		return nil
	}
	program := c.spec.program()
	for _, e := range entries {
		if within(e.name, program) || within(program, e.name) {
			return c.refuse("set workdir to another directory", "%s would be placed at %s, where the program %s is placed", e.file, e.name, program)
		}
	}
	return nil
}

// refuse returns an error at the current position.
func (c *collector) refuse(hint, format string, args ...any) error {
	return &source.Error{Position: c.at, Message: "image " + c.spec.Name + ": " + fmt.Sprintf(format, args...), Hint: hint}
}

// unreadable explains that a file cannot be read. It returns other errors unchanged.
func (c *collector) unreadable(err error) error {
	var denied *fs.PathError
	if !errors.As(err, &denied) {
		return err
	}
	e := &source.Error{Position: c.at, Err: err,
		Message: fmt.Sprintf("image %s: %s cannot be read: %v", c.spec.Name, denied.Path, denied.Err)}
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(denied.Path, "*?["):
		e.Message, e.Hint = fmt.Sprintf("image %s: %s not found", c.spec.Name, denied.Path), "patterns are not expanded; name files and directories"
	case errors.Is(err, fs.ErrNotExist):
		e.Message, e.Hint = fmt.Sprintf("image %s: %s not found", c.spec.Name, denied.Path), c.suggest(denied.Path)
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "change its permissions so that you can read it, or remove it from files"
	}
	return e
}

// suggest returns a hint with the name that may have been meant by a missing path.
func (c *collector) suggest(missing string) string {
	return source.SuggestFile(c.root.FS(), missing, "paths are relative to the repository's root")
}

// cause returns an error without the operation and path, which the caller adds.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
