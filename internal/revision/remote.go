package revision

import (
	"context"
	"strings"
)

// Remote returns the https URL of the remote origin of the tree at dir, without credentials,
// and the branch that it is cloned at. The URL is "" if there is none. Without a branch of
// the remote, it is the one that is checked out if that is main or master, otherwise main.
func Remote(ctx context.Context, dir string, environ []string) (remote, branch string) {
	g := git{dir: dir, environ: environment(environ)}
	remote, branch = address(g.run(ctx, "config", "--get", "remote.origin.url")), "main"
	if of, ok := strings.CutPrefix(g.run(ctx, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"), "origin/"); ok && of != "" {
		return remote, of
	}
	if g.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD") == "master" {
		branch = "master"
	}
	return remote, branch
}

// Files returns the paths below dir, with slashes, of the files that git tracks or would
// add. It reports whether git could tell.
func Files(ctx context.Context, dir string, environ []string) (names []string, ok bool) {
	out, err := git{dir: dir, environ: environment(environ)}.output(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), true
}
