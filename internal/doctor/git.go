package doctor

import "context"

// lookAtGit finds out whether images get the tag of a commit.
func lookAtGit(_ context.Context, v *visit, f *findings) {
	switch r := v.Revision(); {
	case r.Clean:
		f.ok("commit", "%s, and nothing is uncommitted", r.Commit[:min(len(r.Commit), 12)])
	case r.Commit != "":
		f.ok("commit", "%s; images do not get its tag: %s", r.Commit[:min(len(r.Commit), 12)], r.Reason)
	case r.Reason != "":
		f.warn("commit", "images do not get the tag of a commit: "+r.Reason, "install git, or make git work in this directory (git status says why it does not)")
	default:
		f.ok("commit", "there is no commit, so images do not get its tag")
	}
}
