package tasks

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// editor is a sink that calls edit when the build of an image starts.
type editor struct {
	*eventLog
	edit func()
}

// Event implements Sink.
func (s *editor) Event(e report.Event) {
	if e.Kind == report.Start && e.Step == "image" {
		s.edit()
	}
	s.eventLog.Event(e)
}

// TestTreeChangesDuringBuild edits the files of an image, or commits another state of them,
// after the working tree was found clean. The image must not get the tag of the commit, which
// does not have these files.
func TestTreeChangesDuringBuild(t *testing.T) {
	const config = "project: story\nregistry: REGISTRY\nimages: {api: {files: [src], tags: [latest]}}\n"
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
		return strings.TrimSpace(string(out))
	}
	change := func() {
		if err := os.WriteFile("src/a.py", []byte("print(2)\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	for name, test := range map[string]struct {
		edit   func()
		reason string
		// built reports whether the registry has the image of the edited files already.
		built bool
	}{
		"nothing":                  {func() {}, "", false},
		"an edit":                  {change, "src/a.py has changes that are not committed", false},
		"an edit, built before":    {change, "src/a.py has changes that are not committed", true},
		"another commit":           {func() { change(); git("commit", "-qam", "two") }, "another commit was checked out", false},
		"nothing that was changed": {func() {}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			env, events, _ := laptopWith(t, map[string]string{"slipway.yaml": config, "src/a.py": "print(1)\n", ".gitignore": ".slipway\n"})
			env.Environ = os.Environ()
			if test.built {
				change()
				if _, err := Build(t.Context(), env, BuildOptions{}); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile("src/a.py", []byte("print(1)\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			git("init", "-q")
			git("add", "-A")
			git("commit", "-qm", "one")
			commit := git("rev-parse", "HEAD")[:12]
			env.Events = &editor{events, test.edit}
			result, err := Build(t.Context(), env, BuildOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if tags := result.Images[0].Tags; slices.Contains(tags, commit) != (test.reason == "") || !slices.Contains(tags, "latest") {
				t.Errorf("the tags are %v, the commit %s", tags, commit)
			}
			if !strings.Contains(events.String(), test.reason) {
				t.Errorf("no event says: %s\n%s", test.reason, events)
			}
		})
	}
}
