package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/tasks/report"
)

// namedFiles is how many files an error names.
const namedFiles = 5

// ownState refuses a directory .slipway that came with the repository, or leads
// elsewhere: what is in it would be believed, and deleted.
func (e *Env) ownState(ctx context.Context, root string) error {
	if _, err := os.Lstat(state.Dir(root)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, dir := range []string{state.Dir(root), state.Dir(root, "sandbox"), state.Dir(root, "cache"), state.Dir(root, "cache", "image")} {
		if err := machine.Own(dir); err != nil {
			return usagef("%v", err)
		}
	}
	files := revision.Tracked(ctx, root, e.Environ, state.Name)
	if len(files) == 0 {
		return nil
	}
	named := strings.Join(files[:min(len(files), namedFiles)], ", ")
	if more := len(files) - namedFiles; more > 0 {
		named += " and " + counted(more, "other file")
	}
	return usagef("git tracks %s: what is in %s must be of this machine, and is not used when it comes with the repository; git rm -r --cached %s, commit that, and delete the directory",
		named, state.Name, state.Name)
}

// tellForgetful tells, once, that what .slipway has of files and layers is not used,
// where there is no secret to prove that it is of this machine.
func (p *project) tellForgetful(name string) {
	p.forgetful.Do(func() {
		if _, err := machine.Code("", nil); err != nil {
			p.event(report.Note, "image", name, fmt.Sprintf("files are read anew by each build, since what was kept of them cannot be told from what came with the repository: %v", err))
		}
	})
}
