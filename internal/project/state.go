package project

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
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// namedFiles is the number of files that an error lists by name.
const namedFiles = 5

// checkStateDir returns an *exit.UsageError if the directory .slipway is tracked by git, or if
// it or a directory in it is a symbolic link, is not a directory or belongs to another
// user. slipway trusts the files in .slipway and deletes some of them.
func checkStateDir(ctx context.Context, root string, environ []string) error {
	if _, err := os.Lstat(state.Dir(root)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, dir := range []string{state.Dir(root), state.Dir(root, "sandbox"), state.Dir(root, "cache"), state.Dir(root, "cache", "image")} {
		if err := machine.CheckOwner(dir); err != nil {
			return exit.Usagef("%v", err)
		}
	}
	files := revision.Tracked(ctx, root, environ, state.Name)
	if len(files) == 0 {
		return nil
	}
	named := strings.Join(files[:min(len(files), namedFiles)], ", ")
	if more := len(files) - namedFiles; more > 0 {
		named += fmt.Sprintf(" and %d others", more)
	}
	return exit.Usagef("git tracks %s: the files in %s must be made on this machine, and are not used when they come with the repository; git rm -r --cached %s, commit that, and delete the directory",
		named, state.Name, state.Name)
}

// NoteCacheUnused sends a note if the cache of files and layers in .slipway is not used because
// there is no machine secret that proves that the cache was made on this machine. It does
// so once per Project.
func (p *Project) NoteCacheUnused(name string) {
	p.cacheUnusedOnce.Do(func() {
		if _, err := machine.MAC("", nil); err != nil {
			p.Event(report.Note, "image", name, fmt.Sprintf("each build reads all files again, because the cache cannot be told from files that came with the repository: %v", err))
		}
	})
}
