package revision

import (
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// uncommitted describes the files in the output of git status (porcelain format, version 1,
// with NUL between entries), and reports whether one of them is a file of the commit. It skips
// those that are unused, and returns "" if no others are left. The paths of unused are relative to the
// top of the repository, as git's are.
func uncommitted(status string, unused Unused) (first string, modified bool) {
	more := 0
	entries := strings.Split(status, "\x00")
	for n := 0; n < len(entries); n++ {
		if len(entries[n]) < 4 {
			continue
		}
		state, name := entries[n][:2], entries[n][3:]
		if strings.ContainsAny(state, "RC") {
			n++ // the next entry is the former path
		}
		if unused.Named != nil && slices.ContainsFunc(strings.Split(name, "/"), unused.Named) || state == "??" && slices.Contains(unused.New, name) {
			continue
		}
		modified = modified || state != "??"
		if first != "" {
			more++
			continue
		}
		switch {
		case state == "??":
			first = name + " is not committed"
		case strings.Contains(state, "D"):
			first = name + " is deleted, which is not committed"
		default:
			first = name + " has changes that are not committed"
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	return first, modified
}

// below returns u with paths relative to the top of the repository that contains dir.
func (u Unused) below(dir string) Unused {
	whole, err := filepath.Abs(dir)
	if err != nil || len(u.New) == 0 {
		return u
	}
	below, err := filepath.Rel(Top(dir), whole)
	if err != nil {
		return u
	}
	all := make([]string, len(u.New))
	for n, name := range u.New {
		all[n] = path.Join(filepath.ToSlash(below), name)
	}
	return Unused{u.Named, all}
}

// refusal returns git's message if git refuses to work, for example because the repository
// belongs to another user, or because the .git file of a worktree or a submodule names a
// directory that is not here. It returns "" if err is nil, and if there is no repository,
// no commit or no such name.
func (g git) refusal(err error) string {
	if errors.Is(err, exec.ErrNotFound) && Top(g.dir) != "" {
		return "git is not installed, so the commit is unknown"
	}
	failed := new(exec.ExitError)
	if !errors.As(err, &failed) {
		return ""
	}
	said := strings.TrimSpace(string(failed.Stderr))
	for _, nothing := range []string{"not a git repository (or any parent", "not a git repository (or any of the parent", "does not have any commits yet", "bad default revision 'HEAD'"} {
		if strings.Contains(said, nothing) {
			return ""
		}
	}
	if said == "" {
		return ""
	}
	return "git failed: " + strings.Join(strings.Fields(said), " ")
}
