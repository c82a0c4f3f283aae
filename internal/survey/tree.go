package survey

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/patternmatcher"

	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	maxFiles = 20_000    // files that are looked at
	maxRead  = 256 << 10 // bytes that are read of a file
	maxTotal = 64 << 20  // bytes that are read of all files
	maxDepth = 12        // directories below each other, without git
	maxFound = 500       // Polyaxonfiles, Dockerfiles, programs, or commands of CI
)

// tree is the files of a directory.
type tree struct {
	root      *os.Root
	files     []string
	truncated bool
	total     int
}

// list lists the regular files that git does not ignore. Without git it leaves out what the
// root's .gitignore names.
func (t *tree) list(ctx context.Context, dir string, environ []string, inGit bool) error {
	if inGit {
		if names, ok := revision.Files(ctx, dir, environ); ok {
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				t.add(name)
			}
			return ctx.Err()
		}
	}
	return t.walk(ctx, ".", t.ignored(), 0)
}

// ignored returns the patterns of the root's .gitignore.
func (t *tree) ignored() *patternmatcher.PatternMatcher {
	var patterns []string
	for line := range strings.Lines(t.read(".gitignore")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || len(patterns) == 1000 {
			continue
		}
		pattern, not := strings.CutPrefix(line, "!")
		pattern = strings.TrimSuffix(pattern, "/")
		if !strings.Contains(pattern, "/") {
			pattern = "**/" + pattern
		}
		if pattern = strings.TrimPrefix(pattern, "/"); not {
			pattern = "!" + pattern
		}
		if _, err := patternmatcher.New([]string{pattern}); err == nil {
			patterns = append(patterns, pattern)
		}
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return &patternmatcher.PatternMatcher{}
	}
	return matcher
}

func (t *tree) walk(ctx context.Context, dir string, ignored *patternmatcher.PatternMatcher, depth int) error {
	entries, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read is left out
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, e.Name())
		if skip, err := ignored.MatchesOrParentMatches(name); err == nil && skip || t.truncated {
			continue
		}
		switch {
		case !e.IsDir():
			t.add(name)
		case depth < maxDepth && !isForeign(name):
			if _, err := t.root.Lstat(filepath.FromSlash(path.Join(name, "pyvenv.cfg"))); err == nil {
				continue // a virtual environment
			}
			if err := t.walk(ctx, name, ignored, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds a file unless it is not the project's own or its name cannot be written into a
// file of text.
func (t *tree) add(name string) {
	if t.truncated || !printable(name) || slices.ContainsFunc(parents(name), isForeign) {
		return
	}
	info, err := t.root.Lstat(filepath.FromSlash(name))
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	if len(t.files) == maxFiles {
		t.truncated = true
		return
	}
	t.files = append(t.files, name)
}

// parents returns the directories above a file.
func parents(name string) []string {
	var all []string
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		all = append(all, dir)
	}
	return all
}

// isForeign reports whether a directory holds what is not the project's own: files of tools,
// and installed packages.
func isForeign(dir string) bool {
	switch base := path.Base(dir); base {
	case ".github", ".gitlab":
		return false
	case "node_modules", "site-packages", "venv", "env", "__pycache__", "build", "dist", "mlruns", "wandb":
		return true
	default:
		return strings.HasPrefix(base, ".") || strings.HasSuffix(base, ".egg-info")
	}
}

// printable reports whether a name can stand in a comment and in quotes. A dollar sign
// would be read as a variable.
func printable(name string) bool {
	return utf8.ValidString(name) && len(name) < 500 && !strings.ContainsFunc(name, func(c rune) bool {
		return !unicode.IsPrint(c) || strings.ContainsRune("$\"\\`", c)
	})
}

// isBinary reports whether a file has content that is not text in UTF-8, such as UTF-16.
func (t *tree) isBinary(name string) bool {
	text, err := source.ReadFile(t.root, filepath.FromSlash(name), maxRead)
	return err == nil && len(text) < maxRead && (!utf8.Valid(text) || slices.Contains(text, 0))
}

// read returns the beginning of a file, or "" if it cannot be read, or is not text.
func (t *tree) read(name string) string {
	text := t.beginning(name)
	if !utf8.Valid(text) && len(text) < maxRead {
		return ""
	}
	return t.text(text)
}

// readCode is read for a program, which may say that it has another encoding than UTF-8 (PEP 263).
func (t *tree) readCode(name string) string { return t.text(t.beginning(name)) }

// beginning returns the first bytes of a file, or nil if it cannot be read.
func (t *tree) beginning(name string) []byte {
	if t.total > maxTotal {
		t.truncated = true
		return nil
	}
	text, err := source.ReadFile(t.root, filepath.FromSlash(name), maxRead)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return text
}

// text returns the text of a file without what is not UTF-8, and "" if it is not text.
func (t *tree) text(text []byte) string {
	t.total += len(text)
	cut := strings.ToValidUTF8(strings.TrimPrefix(string(text), "\ufeff"), "")
	if strings.ContainsRune(cut, 0) {
		return ""
	}
	return strings.ReplaceAll(cut, "\r\n", "\n")
}

// isCut reports whether a text may be only the beginning of its file.
func isCut(text string) bool { return len(text) > maxRead/2 } // it lost the \r of its lines
