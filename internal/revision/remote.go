package revision

import (
	"context"
	"strings"
)

// Remote returns the https URL of the remote origin of the tree at dir, without credentials,
// and the branch that it is cloned at. The URL is "" if there is none. Without a branch of
// the remote, it is main or master, whichever is checked out or there, and otherwise the one
// that is checked out.
func Remote(ctx context.Context, dir string, environ []string) (remote, branch string) {
	g := git{dir: dir, environ: environment(environ)}
	remote = address(g.run(ctx, "config", "--get", "remote.origin.url"))
	if of, ok := strings.CutPrefix(g.run(ctx, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"), "origin/"); ok && of != "" {
		return remote, of
	}
	head := g.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if head == "main" || head == "master" {
		return remote, head
	}
	for _, name := range []string{"main", "master"} {
		if g.run(ctx, "for-each-ref", "--count=1", "--format=%(refname)", "refs/heads/"+name, "refs/remotes/origin/"+name) != "" {
			return remote, name
		}
	}
	if head == "" {
		head = "main"
	}
	return remote, head
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
