package revision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
		"GIT_AUTHOR_DATE=2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE=2026-03-04T05:06:07Z")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir string, environ ...string) Revision {
	t.Helper()
	r, err := Read(t.Context(), dir, append(os.Environ(), environ...), Unused{Named: func(name string) bool { return name == "unused" }, New: []string{"secret", "sub/key"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	dir := t.TempDir()
	command(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "a"), "1")
	write(t, filepath.Join(dir, ".gitignore"), "ignored\n")
	command(t, dir, "add", ".")
	command(t, dir, "commit", "-q", "-m", "one")
	return dir
}

func TestRead(t *testing.T) {
	dir := repository(t)
	command(t, dir, "tag", "v1.2.3")
	command(t, dir, "tag", "-a", "-m", "x", "release/2")
	command(t, dir, "remote", "add", "origin", "https://me:canary@git.example.com/team/repo.git")
	head := command(t, dir, "rev-parse", "HEAD")
	r := read(t, dir)
	slices.Sort(r.Tags)
	if r.Commit != head || !r.Clean || r.Time.Format("2006-01-02T15:04:05Z07:00") != "2026-03-04T05:06:07Z" ||
		!slices.Equal(r.Tags, []string{"release/2", "v1.2.3"}) || r.Source != "https://git.example.com/team/repo" {
		t.Errorf("%+v", r)
	}
	for name, want := range map[string]string{"HEAD": head, "main": head, "v1.2.3": head, "release/2": head, head[:8]: head, head: head, "nothing": "", "--help": "", "": ""} {
		if got, err := Resolve(t.Context(), dir, os.Environ(), name); got != want || err != nil {
			t.Errorf("%q resolves to %q, want %q (%v)", name, got, want, err)
		}
	}
	write(t, filepath.Join(dir, "ignored"), "1")
	if !read(t, dir).Clean {
		t.Error("an ignored file makes it unclean")
	}
	write(t, filepath.Join(dir, "sub", "new"), "1")
	if r := read(t, filepath.Join(dir, "sub")); r.Clean || r.Commit != head {
		t.Errorf("with a new file, asked from below: %+v", r)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a"), "2")
	if read(t, dir).Clean {
		t.Error("a changed file leaves it clean")
	}
}

// Neither the environment of a Git hook nor the repository's own configuration has an
// effect on the result or starts a program.
func TestReadThisRepository(t *testing.T) {
	dir, other := repository(t), repository(t)
	write(t, filepath.Join(other, "b"), "1")
	command(t, other, "add", ".")
	command(t, other, "commit", "-q", "-m", "two")
	started := filepath.Join(t.TempDir(), "started")
	hook := filepath.Join(t.TempDir(), "hook")
	write(t, hook, "#!/bin/sh\ntouch "+started+"\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "config", "core.fsmonitor", hook)
	r := read(t, dir, "GIT_DIR="+filepath.Join(other, ".git"), "GIT_WORK_TREE="+other)
	if r.Commit != command(t, dir, "-c", "core.fsmonitor=false", "rev-parse", "HEAD") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("a program of the repository's configuration was started")
	}
}

func TestDetachedShallowAndWorktree(t *testing.T) {
	dir := repository(t)
	head := command(t, dir, "rev-parse", "HEAD")
	clone := filepath.Join(t.TempDir(), "clone")
	command(t, dir, "clone", "-q", "--depth=1", "file://"+dir, clone)
	command(t, clone, "checkout", "-q", "--detach")
	worktree := filepath.Join(t.TempDir(), "worktree")
	command(t, dir, "worktree", "add", "-q", worktree)
	for what, at := range map[string]string{"shallow and detached": clone, "worktree": worktree} {
		if r := read(t, at); r.Commit != head || !r.Clean {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	empty := t.TempDir()
	if r := read(t, empty, "GIT_CEILING_DIRECTORIES="+filepath.Dir(empty)); r.Commit != "" || r.Clean {
		t.Errorf("without a repository: %+v", r)
	}
	command(t, empty, "init", "-q")
	if r := read(t, empty); r.Commit != "" || r.Clean {
		t.Errorf("without a commit: %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, empty, os.Environ(), Unused{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Unused files may be uncommitted. Other uncommitted files are named in the reason.
func TestReason(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "deep", "unused", "new"), "1")
	write(t, filepath.Join(dir, "unused"), "1")
	if r := read(t, dir); !r.Clean || r.Reason != "" {
		t.Errorf("with files that are not used: %+v", r)
	}
	write(t, filepath.Join(dir, "secret"), "1")
	write(t, filepath.Join(dir, "sub", "key"), "1")
	if r := read(t, dir); !r.Clean {
		t.Errorf("with new files that are not used: %+v", r)
	}
	if r := read(t, filepath.Join(dir, "deep")); r.Clean || r.Reason != "secret is not committed (and 1 more)" {
		t.Errorf("with new files of these names elsewhere: %+v", r)
	}
	write(t, filepath.Join(dir, "deep", "sub", "key"), "1")
	command(t, dir, "add", "secret", "sub")
	if r := read(t, filepath.Join(dir, "deep")); r.Clean || !r.Modified {
		t.Errorf("elsewhere: %+v", r)
	}
	if r := read(t, dir); r.Clean || !strings.HasPrefix(r.Reason, "secret has changes") {
		t.Errorf("with a file that is to be committed: %+v", r)
	}
	command(t, dir, "rm", "-rqf", "secret", "sub")
	if err := os.RemoveAll(filepath.Join(dir, "deep")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "b c"), "1")
	if r := read(t, dir); r.Clean || r.Modified || r.Reason != "b c is not committed" {
		t.Errorf("with a new file: %+v", r)
	}
	write(t, filepath.Join(dir, "a"), "2")
	if r := read(t, dir); r.Clean || !r.Modified || r.Reason != "a has changes that are not committed (and 1 more)" {
		t.Errorf("with a changed file: %+v", r)
	}
	command(t, dir, "checkout", "-q", "a")
	command(t, dir, "mv", "a", "moved")
	if r := read(t, dir); r.Clean || !strings.HasPrefix(r.Reason, "moved has changes") {
		t.Errorf("with a moved file: %+v", r)
	}
	command(t, dir, "reset", "-q", "--hard")
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if r := read(t, dir); r.Clean || !r.Modified || !strings.HasPrefix(r.Reason, "a is deleted") {
		t.Errorf("with a deleted file: %+v", r)
	}
}

// If the repository belongs to another user, the reason is git's own message.
func TestGitRefuses(t *testing.T) {
	dir := repository(t)
	if err := os.Chown(filepath.Join(dir, ".git"), 12345, -1); err != nil {
		t.Skip("only root can give a file to somebody else")
	}
	if r := read(t, dir); r.Clean || !strings.Contains(r.Reason, "dubious ownership") || !strings.Contains(r.Reason, "safe.directory") {
		t.Errorf("%+v", r)
	}
	if _, err := Resolve(t.Context(), dir, os.Environ(), "HEAD"); err == nil || !strings.Contains(err.Error(), "dubious ownership") {
		t.Errorf("%v", err)
	}
	// The user of a container allows it by variables, beside others that name a program.
	ran := filepath.Join(t.TempDir(), "ran")
	allowed := []string{"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=core.fsmonitor", "GIT_CONFIG_VALUE_0=touch " + ran, "GIT_CONFIG_KEY_1=Safe.Directory", "GIT_CONFIG_VALUE_1=" + dir}
	if r := read(t, dir, allowed...); !r.Clean || r.Commit == "" {
		t.Errorf("with safe.directory in variables: %+v", r)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the variables was started")
	}
}

// The .git file of a worktree names a directory. In a container that mounts only the worktree,
// there is no such directory.
// A repository on a machine without git, as in a slim container, has a commit that nobody can
// tell. That is said; a directory without a repository needs no git.
func TestGitIsNotInstalled(t *testing.T) {
	dir, plain := repository(t), t.TempDir()
	write(t, filepath.Join(dir, "sub", "b"), "1")
	t.Setenv("PATH", t.TempDir())
	for _, at := range []string{dir, filepath.Join(dir, "sub")} {
		if r := read(t, at); r.Commit != "" || r.Clean || r.Reason != "git is not installed, so the commit is unknown" {
			t.Errorf("%s: %+v", at, r)
		}
	}
	if r := read(t, plain); r.Reason != "" {
		t.Errorf("without a repository: %+v", r)
	}
	if _, err := Resolve(t.Context(), dir, os.Environ(), "HEAD"); err == nil || err.Error() != "git is not installed, so the commit is unknown" {
		t.Errorf("resolve: %v", err)
	}
}

func TestWorktreeWithoutItsRepository(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".git"), "gitdir: /elsewhere/repository/.git/worktrees/tree\n")
	if r := read(t, dir); r.Commit != "" || !strings.Contains(r.Reason, "not a git repository: ") {
		t.Errorf("%+v", r)
	}
}

// TestClonedConfigurationIsNotUsed makes a directory of a clone look like a bare repository
// whose configuration starts a program.
func TestClonedConfigurationIsNotUsed(t *testing.T) {
	dir, ran := repository(t), filepath.Join(t.TempDir(), "ran")
	for _, setting := range [][]string{{"core.bare", "false"}, {"core.worktree", "."}, {"filter.x.clean", "touch " + ran + "; cat"}} {
		command(t, dir, append([]string{"config"}, setting...)...)
	}
	entries, err := os.ReadDir(filepath.Join(dir, ".git"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(dir, ".git", e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".gitattributes"), "* filter=x\n")
	write(t, filepath.Join(dir, "a"), "2")
	r := read(t, dir)
	if _, err := os.Stat(ran); err == nil || r.Commit != "" || !strings.Contains(r.Reason, "safe.bareRepository") {
		t.Errorf("the program ran (%v), or the repository is used: %+v", err, r)
	}
}

// TestEnvironment checks that git gets only the variables it needs.
func TestEnvironment(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("git is a shell's script here")
	}
	bin, told := t.TempDir(), filepath.Join(t.TempDir(), "told")
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\nenv >>"+told+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	environ := append(os.Environ(), "CANARY=canary", "GCP_SA_KEY=canary", "GIT_DIR=canary", "GIT_SSH_COMMAND=canary", "SSH_AUTH_SOCK=canary", "GIT_CONFIG_VALUE_0=canary", "git_dir=canary")
	if _, err := Read(t.Context(), t.TempDir(), environ, Unused{}); err != nil {
		t.Fatal(err)
	}
	_, _ = Resolve(t.Context(), t.TempDir(), environ, "main")
	text, err := os.ReadFile(told)
	if err != nil || !strings.Contains(string(text), "PATH="+bin) || !strings.Contains(string(text), "GIT_NO_LAZY_FETCH=1") || !strings.Contains(string(text), "HOME=") || strings.Contains(string(text), "canary") {
		t.Errorf("git has the environment %s (%v)", text, err)
	}
}
