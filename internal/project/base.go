package project

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/revision"
)

// BaseBranch returns the branch with whose runs this commit's are compared: that into which a pull
// request is merged, or else the branch of the workflow, or else the default branch of the
// repository.
func (p *Project) BaseBranch(ctx context.Context) Base {
	if base := p.PullRequest().Base; base.Branch != "" {
		return base
	}
	ref, _ := p.Origin().Meta[MetaRef].(string)
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return Base{Branch: branch, Commit: p.Revision().Commit}
	}
	_, branch := revision.Remote(ctx, p.Config.Dir, p.Environ)
	for _, name := range []string{"refs/remotes/origin/" + branch, "refs/heads/" + branch} {
		if commit, err := revision.Resolve(ctx, p.Config.Dir, p.Environ, name); err == nil && commit != "" {
			return Base{Branch: branch, Commit: commit}
		}
	}
	return Base{Branch: branch}
}
