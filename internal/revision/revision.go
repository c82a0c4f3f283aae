// Package revision tells what git knows of a source tree: which commit it is, and
// whether it is exactly that.
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

// Revision is the state of a work tree. The zero value stands for a tree without
// git, or without a commit.
type Revision struct {
	// Commit is the full hash of HEAD.
	Commit string
	// Time is when HEAD was committed.
	Time time.Time
	// Clean reports whether nothing is uncommitted, new files included.
	Clean bool
	// Reason says why the tree is not exactly a commit: the files that are not
	// committed, or git's own words when it refuses. It is empty for a clean tree,
	// and where there is no repository.
	Reason string
	// Tags are the tags of git at HEAD.
	Tags []string
	// Source is the address of the remote `origin` as https, without credentials;
	// empty when there is none.
	Source string
}

// Read asks git for the state of the tree at dir, which is a repository's root or
// below it. Environ is the environment that git runs in, of which what would
// point it to another repository is left out. Files and directories of a name that
// unused reports do not count: what is not used may be uncommitted. Without git, a
// repository or a commit it gives a Revision without one, and no error but ctx's.
func Read(ctx context.Context, dir string, environ []string, unused func(name string) bool) (Revision, error) {
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
	group.Go(func() error { remote = g.run(within, "config", "--get", "remote.origin.url"); return nil })
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return Revision{}, err
	}
	if headErr != nil {
		return Revision{Reason: refusal(headErr)}, nil //nolint:nilerr // the reason says it
	}
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if len(lines) < 2 {
		return Revision{}, nil
	}
	seconds, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Revision{}, nil //nolint:nilerr // a git that answers otherwise is as good as none
	}
	r.Commit, r.Time, r.Source = lines[0], time.Unix(seconds, 0).UTC(), address(remote)
	if r.Reason = refusal(statusErr); statusErr == nil {
		r.Reason = uncommitted(status, unused)
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

// Resolve gives the full hash of the commit that a branch, a tag, HEAD or the
// beginning of a hash stands for in the tree at dir, and "" for what is none. Its
// error is that git refuses to look at the repository.
func Resolve(ctx context.Context, dir string, environ []string, name string) (string, error) {
	if strings.HasPrefix(name, "-") {
		return "", nil
	}
	out, err := git{dir: dir, environ: environment(environ)}.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if why := refusal(err); why != "" {
		return "", errors.New(why)
	}
	return strings.TrimSpace(out), nil
}

// Tracked gives the files that git tracks below a directory of the tree at dir. It
// gives none where git cannot say.
func Tracked(ctx context.Context, dir string, environ []string, below string) []string {
	out, err := git{dir: dir, environ: environment(environ)}.output(ctx, "ls-files", "-z", "--", below)
	if err != nil || out == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
}

// longest is how long git may take: all that it is asked for is on this machine.
const longest = time.Minute

type git struct {
	dir     string
	environ []string
}

// run gives what git prints, and "" when it fails.
func (g git) run(ctx context.Context, args ...string) string {
	out, err := g.output(ctx, args...)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// output runs git without what a repository's own configuration would have it
// start, but for filters, which the user has set: no clone brings that configuration. A
// directory that came with a clone and looks like a bare repository would, and git
// uses it unless it is told not to. There are no locks that a user's git would stumble
// over.
func (g git) output(ctx context.Context, args ...string) (string, error) {
	fixed := []string{"--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "-c", "log.showSignature=false", "-c", "safe.bareRepository=explicit", "-C", g.dir}
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	command := exec.CommandContext(limited, "git", append(fixed, args...)...)
	command.Env = g.environ
	command.WaitDelay = time.Second
	out, err := command.Output()
	if ctx.Err() == nil && limited.Err() != nil {
		return "", fmt.Errorf("git %s did not end within %s", args[0], longest)
	}
	if err != nil {
		return "", err
	}
	return string(out), nil
}

// environment gives what git needs of an environment, and nothing else: git starts
// what its configuration says, and has no use for secrets. What would point it
// to another repository is not among it, and of what is not here nothing is fetched.
func environment(environ []string) []string {
	kept := []string{"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C"}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToUpper(name) { // Windows has them in any case
		case "PATH", "PATHEXT", "HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR",
			"COMSPEC", "TMPDIR", "TMP", "TEMP", "XDG_CONFIG_HOME", "SUDO_UID", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
			"GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_TEST_ASSUME_DIFFERENT_OWNER":
			kept = append(kept, variable)
		}
	}
	return kept
}

// address gives a remote's address as https, without user and password; "" for one
// that is a path of this machine.
func address(remote string) string {
	rest, isURL := remote, false
	for _, scheme := range []string{"https://", "http://", "ssh://", "git://"} {
		if after, ok := strings.CutPrefix(remote, scheme); ok {
			rest, isURL = after, true
			break
		}
	}
	host, path, ok := strings.Cut(rest, "/")
	if !isURL { // user@host:path
		host, path, ok = strings.Cut(rest, ":")
		if strings.ContainsAny(host, `/\`) || len(host) < 2 || strings.HasPrefix(path, "//") {
			return "" // a path, or a drive's letter
		}
	}
	if !ok || host == "" || path == "" {
		return ""
	}
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	if strings.HasPrefix(remote, "ssh://") {
		host, _, _ = strings.Cut(host, ":") // ssh's port is not https's
	}
	return "https://" + host + "/" + strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}
