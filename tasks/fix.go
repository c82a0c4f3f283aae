package tasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// maxText is how much of a text of the repository is read: more than any that is taken.
const maxText = 16 << 20

// fix mends the files of targets, and gives the changes as a diff. Only write makes
// them.
func (c *checker) fix(ctx context.Context, targets []target, write bool) (string, error) {
	var diffs strings.Builder
	changed := 0
	for _, t := range targets {
		if t.path == "" {
			continue // a component that ships
		}
		text, err := source.ReadFile(nil, t.path, maxText)
		if err != nil {
			continue // checking it tells why
		}
		fixed := lint.Fix(ctx, t.path, text, lint.Options{Versions: c.versions, Secrets: c.suspects})
		if ctx.Err() != nil {
			return "", &InterruptedError{}
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
		}
	}
	switch {
	case changed == 0:
		c.Events.Event(report.Event{Kind: report.Note, Message: "there is nothing that --fix mends"})
	case write:
		c.Events.Event(report.Event{Kind: report.Done, Step: "check", Subject: counted(changed, "file"), Message: "written"})
	default:
		c.Events.Event(report.Event{Kind: report.Note, Message: fmt.Sprintf("nothing is written; --fix --write changes %s", counted(changed, "file"))})
	}
	return diffs.String(), nil
}

// replace writes a file whole or not at all, with the permissions that it has.
func replace(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".slipway-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(info.Mode().Perm()), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
