// Package revision asks git about a source tree: which commit it is, and whether it is
// exactly that commit.
package revision

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Revision is the state of a working tree. The zero value stands for a tree without git, or
// without a commit.
type Revision struct {
	// Commit is the full hash of HEAD.
	Commit string
	// Time is the committer date of HEAD, in UTC.
	Time time.Time
	// Clean reports whether nothing is uncommitted, including new files.
	Clean bool
	// Modified reports whether a file of the commit is changed, deleted or renamed. New files alone
	// leave it false.
	Modified bool
	// Reason says why the tree is not exactly a commit: it names the uncommitted files, says
	// that a repository is there and git is not, or quotes git if git refuses to work. It is
	// empty for a clean tree, and if there is no repository.
	Reason string
	// Tags are the Git tags that point to HEAD.
	Tags []string
	// Source is the https URL of the remote origin, without credentials, or empty if there
	// is none.
	Source string
}

// Unused are files that may be uncommitted.
type Unused struct {
	// Named reports whether files of a name, or below a directory of it, are. It may be nil.
	Named func(name string) bool
	// New are files that are as long as git does not track them. Their paths are relative to the
	// tree, with slashes.
	New []string
}

// Read returns the state of the tree at dir, which may be any directory of a repository.
// Git runs with those variables of environ that it needs, and without those that would
// point it to another repository. Without git, a repository or a commit, Read returns a
// Revision without a commit. It returns an error only if ctx is done or a goroutine panics.
func Read(ctx context.Context, dir string, environ []string, unused Unused) (Revision, error) {
	g := git{dir: dir, environ: environment(environ)}
	var r Revision
	var head, status, remote string
	var headErr, statusErr error
	group, within := panics.WithContext(ctx)
	group.Go(func() error {
		head, headErr = g.output(within, "log", "-1", "--format=%H%n%ct%n%D", "--decorate=full")
		return nil
	})
	group.Go(func() error {
		status, statusErr = g.output(within, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none")
		return nil
	})
	group.Go(func() error { remote, _ = g.remote(within); return nil })
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return Revision{}, err
	}
	if headErr != nil {
		return Revision{Reason: g.refusal(headErr)}, nil //nolint:nilerr // the error is in Reason
	}
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if len(lines) < 2 {
		return Revision{}, nil
	}
	seconds, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Revision{}, nil //nolint:nilerr // unexpected output counts as no git
	}
	r.Commit, r.Time, r.Source = lines[0], time.Unix(seconds, 0).UTC(), remote
	if r.Reason = g.refusal(statusErr); statusErr == nil {
		r.Reason, r.Modified = uncommitted(status, unused.below(dir))
	}
	r.Clean = r.Reason == ""
	if len(lines) > 2 {
		for decoration := range strings.SplitSeq(lines[2], ", ") {
			if tag, ok := strings.CutPrefix(strings.TrimPrefix(decoration, "tag: "), "refs/tags/"); ok {
				r.Tags = append(r.Tags, tag)
			}
		}
	}
	return r, nil
}

// Resolve returns the full hash of the commit that a branch, a tag, HEAD or an abbreviated
// hash refers to in the tree at dir, or "" if there is no such commit. It returns an error
// if git refuses to read the repository, or is not installed.
func Resolve(ctx context.Context, dir string, environ []string, name string) (string, error) {
	if strings.HasPrefix(name, "-") {
		return "", nil
	}
	g := git{dir: dir, environ: environment(environ)}
	out, err := g.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if why := g.refusal(err); why != "" {
		return "", errors.New(why)
	}
	return strings.TrimSpace(out), nil
}

// IsAncestor reports whether a commit is part of the history of another one, by their full
// hashes. It is false if git cannot tell, as in a shallow clone that lacks one of them.
func IsAncestor(ctx context.Context, dir string, environ []string, commit, of string) bool {
	if len(commit) != 40 || len(of) != 40 {
		return false
	}
	_, err := git{dir: dir, environ: environment(environ)}.output(ctx, "merge-base", "--is-ancestor", commit, of)
	return err == nil
}

// OnBranchOfOrigin reports whether a commit, by its full hash, is part of a branch that was fetched
// from the remote origin. Some fetch pull requests as branches pr/* or pull/*, which do not count.
func OnBranchOfOrigin(ctx context.Context, dir string, environ []string, commit string) bool {
	const below = "refs/remotes/origin/"
	out := git{dir: dir, environ: environment(environ)}.run(ctx, "for-each-ref", "--format=%(refname)", "--contains="+commit, below)
	for ref := range strings.Lines(out) {
		branch := strings.TrimPrefix(strings.TrimSpace(ref), below)
		if first, _, _ := strings.Cut(branch, "/"); branch != "HEAD" && first != "pr" && first != "prs" && first != "pull" && first != "pulls" {
			return true
		}
	}
	return false
}

// PullRequest returns the number of the pull request of GitHub as whose head or merge a commit, by its full hash,
// was fetched, or 0 if it was fetched in another way.
func PullRequest(ctx context.Context, dir string, environ []string, commit string) int {
	const below = "refs/remotes/pull/" // where actions/checkout puts refs/pull/NUMBER/head
	out := git{dir: dir, environ: environment(environ)}.run(ctx, "for-each-ref", "--format=%(refname)", "--points-at="+commit, below)
	for ref := range strings.Lines(out) {
		number, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(ref), below), "/")
		if n, err := strconv.Atoi(number); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// IsShallow reports whether the repository of the tree at dir lacks a part of its history.
func IsShallow(ctx context.Context, dir string, environ []string) bool {
	return git{dir: dir, environ: environment(environ)}.run(ctx, "rev-parse", "--is-shallow-repository") == "true"
}

// Tracked returns the files below a directory of the tree at dir that git tracks. It
// returns nil if git fails.
func Tracked(ctx context.Context, dir string, environ []string, below string) []string {
	out, err := git{dir: dir, environ: environment(environ)}.output(ctx, "ls-files", "-z", "--", below)
	if err != nil || out == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
}

// maxVariables is how many settings in variables are looked at.
const maxVariables = 1000

// gitTimeout is the timeout of a git command. All of them are local.
const gitTimeout = time.Minute

type git struct {
	dir     string
	environ []string
}

// run returns the output of git, or "" if it fails.
func (g git) run(ctx context.Context, args ...string) string {
	out, err := g.output(ctx, args...)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// output runs git without the programs that the configuration of a repository may start.
// Filters are the exception: the user has set those, because cloning does not copy
// configuration. A directory in a clone that looks like a bare repository would have its
// own configuration, so git is told not to use it. Git takes no optional locks, which could
// make the user's own git commands fail.
func (g git) output(ctx context.Context, args ...string) (string, error) {
	fixed := []string{"--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "-c", "log.showSignature=false", "-c", "safe.bareRepository=explicit", "-C", g.dir}
	limited, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	command := exec.CommandContext(limited, "git", append(fixed, args...)...)
	command.Env = g.environ
	command.WaitDelay = time.Second
	out, err := command.Output()
	if ctx.Err() == nil && limited.Err() != nil {
		return "", fmt.Errorf("git %s timed out after %s", args[0], gitTimeout)
	}
	if err != nil {
		return "", err
	}
	return string(out), nil
}

// environment returns the variables that git needs. Git starts the programs that its
// configuration names, so it must not get secrets. Variables that point git to another
// repository are left out, and git may not fetch missing objects.
func environment(environ []string) []string {
	kept := append(safeDirectories(environ), "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C")
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToUpper(name) { // on Windows, names of variables are case-insensitive
		case "PATH", "PATHEXT", "HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR",
			"COMSPEC", "TMPDIR", "TMP", "TEMP", "XDG_CONFIG_HOME", "SUDO_UID", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
			"GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_TEST_ASSUME_DIFFERENT_OWNER":
			kept = append(kept, variable)
		}
	}
	return kept
}

// safeDirectories returns the variables that say which repositories of other users git may read, as
// jobs in containers set them. Other configuration in variables is left out: it may name programs.
func safeDirectories(environ []string) []string {
	all := map[string]string{}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GIT_CONFIG_") {
			all[name] = value
		}
	}
	count, _ := strconv.Atoi(all["GIT_CONFIG_COUNT"])
	var kept []string
	for n := range min(count, maxVariables) {
		if strings.EqualFold(all[fmt.Sprintf("GIT_CONFIG_KEY_%d", n)], "safe.directory") {
			to := len(kept) / 2
			kept = append(kept, fmt.Sprintf("GIT_CONFIG_KEY_%d=safe.directory", to), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", to, all[fmt.Sprintf("GIT_CONFIG_VALUE_%d", n)]))
		}
	}
	return append(kept, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(kept)/2))
}
