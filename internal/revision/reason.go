package revision

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// uncommitted describes the files in the output of git status (porcelain format, version 1,
// with NUL between entries), and reports whether one of them is a file of the commit. It skips
// paths of which unused accepts an element, and returns "" if no others are left.
func uncommitted(status string, unused func(name string) bool) (first string, modified bool) {
	more := 0
	entries := strings.Split(status, "\x00")
	for n := 0; n < len(entries); n++ {
		if len(entries[n]) < 4 {
			continue
		}
		state, path := entries[n][:2], entries[n][3:]
		if strings.ContainsAny(state, "RC") {
			n++ // the next entry is the former path
		}
		if unused != nil && slices.ContainsFunc(strings.Split(path, "/"), unused) {
			continue
		}
		modified = modified || state != "??"
		if first != "" {
			more++
			continue
		}
		switch {
		case state == "??":
			first = path + " is not committed"
		case strings.Contains(state, "D"):
			first = path + " is deleted, which is not committed"
		default:
			first = path + " has changes that are not committed"
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	return first, modified
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
