//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestReportsStayInTheCheckout writes reports where the commit that CI has checked out has symbolic
// links. Nothing outside of the checkout is written, the command ends as it would, and a directory
// elsewhere that the user names is written.
func TestReportsStayInTheCheckout(t *testing.T) {
	top := t.TempDir()
	checkout, home := filepath.Join(top, "checkout"), filepath.Join(top, "home")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(checkout, "files"), 0o755), os.Mkdir(home, 0o755), os.WriteFile(filepath.Join(home, ".bashrc"), []byte("mine\n"), 0o600),
		os.Symlink("../../home/.bashrc", filepath.Join(checkout, "files", "summary.md")), os.Symlink(home, filepath.Join(checkout, "absolute")), os.Symlink("../home", filepath.Join(checkout, "linked")),
		os.Symlink("files", filepath.Join(checkout, "within")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(checkout)
	for dir, refused := range map[string]bool{"files": true, "absolute/report": true, "linked": true, "within": true, "new/report": false, home: false} {
		var out bytes.Buffer
		a := cli.Open()
		a.Stdout, a.Stderr, a.Reports = &out, &out, dir
		err := a.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) {
			return &report.Result{Command: "check"}, nil
		})
		if err != nil || strings.Contains(out.String(), "warning: reports: ") != refused {
			t.Errorf("%s: %v, %s", dir, err, out.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "result.json")); !refused && err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(home)
		text, _ := os.ReadFile(filepath.Join(home, ".bashrc"))
		if err != nil || string(text) != "mine\n" || dir != home && len(files) > 1 {
			t.Errorf("%s: files outside of the checkout were written: %v, %q", dir, files, text)
		}
		for _, name := range []string{"summary.md", "result.json"} {
			_ = os.Remove(filepath.Join(home, name))
		}
	}
}
