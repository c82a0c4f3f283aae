package project

import (
	"context"
	"slices"
	"sync"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/exclusion"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/revision"
)

// workingTree is what git says about the working tree, read when it is first needed.
type workingTree struct {
	read func(context.Context) revision.Revision

	mu    sync.Mutex
	known *revision.Revision
}

// newWorkingTree returns the working tree of slipway.yaml. Files that never go into an image may be
// in it and not be committed. Git runs with the variables of environ.
func newWorkingTree(cfg *config.Config, environ []string) *workingTree {
	return &workingTree{read: func(ctx context.Context) revision.Revision {
		r, _ := revision.Read(ctx, cfg.Dir, environ, revision.Unused{Named: exclusion.Excluded, New: SecretFiles(cfg)}) // fails only if ctx is done
		if r.Commit == "" && r.Reason == "" && (slices.Contains(environ, "GITHUB_ACTIONS=true") || slices.Contains(environ, "GITLAB_CI=true")) {
			r.Reason = "this checkout has no commit of git: install git 2.18 or newer before the checkout, which else takes the files alone"
		}
		return r
	}}
}

// prefetch begins to read the working tree, so that revision takes less time. What it began
// ends with git, or when ctx is done.
func (w *workingTree) prefetch(ctx context.Context) {
	panics.Go(func() { w.revision(ctx) }, func(error) {}) // revision panics again for who needs it
}

// revision returns the commit and the state of the working tree, as they were first read.
func (w *workingTree) revision(ctx context.Context) revision.Revision {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		r := w.read(ctx)
		w.known = &r
	}
	return *w.known
}

// recheck asks git again if the tree was clean. A tree that has changed since counts as not
// clean from then on.
func (w *workingTree) recheck(ctx context.Context) revision.Revision {
	before := w.revision(ctx)
	if !before.Clean {
		return before
	}
	now := w.read(ctx)
	if ctx.Err() != nil || now.Clean && now.Commit == before.Commit {
		return before
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known.Clean = false; w.known.Reason == "" {
		w.known.Reason = now.Reason
	}
	if w.known.Reason == "" {
		w.known.Reason = "another commit was checked out meanwhile"
	}
	return *w.known
}
