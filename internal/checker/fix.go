package checker

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Fix fixes the files of targets and returns the changes as a diff. It writes the files
// only if write is set. Check then checks the texts that Fix has read or written. Files that
// cannot be read are skipped. If ctx is cancelled, the
// error is an *exit.InterruptedError.
func (c *Checker) Fix(ctx context.Context, targets []Target, write bool) (string, error) {
	var diffs strings.Builder
	changed := 0
	for _, t := range targets {
		if t.path == "" {
			continue // a component that ships with slipway
		}
		reader := c.readerOf(t)
		text, err := reader.Text(ctx, t.path)
		if err != nil {
			continue // Check reports why
		}
		fixed := lint.Fix(ctx, t.path, text, lint.Options{Versions: c.Versions, Secrets: c.Masker})
		if ctx.Err() != nil {
			return "", &exit.InterruptedError{}
		}
		if len(fixed.Done) == 0 {
			continue
		}
		changed++
		slashed := filepath.ToSlash(t.path)
		diffs.WriteString(string(diff.Diff("a/"+slashed, text, "b/"+slashed, fixed.Text)))
		if write {
			if err := replace(t.path, fixed.Text); err != nil {
				return diffs.String(), &source.Error{Position: source.Position{File: t.path}, Message: "cannot be written: " + err.Error(), Err: err}
			}
			reader.Cache.Replace(t.path, fixed.Text)
		}
	}
	switch {
	case changed == 0:
		c.Note("there is nothing that --fix can fix")
	case write:
		c.Event(report.Done, "check", printer.Count(changed, "file"), "written")
	default:
		c.Note("no file was changed; --fix --write changes " + printer.Count(changed, "file"))
	}
	return diffs.String(), nil
}

// replace replaces the contents of a file atomically and keeps the file's permissions. It
// follows symbolic links.
func replace(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, text, info.Mode().Perm())
}
