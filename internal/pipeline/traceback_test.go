package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestRaisedAt looks for the place of an error in the tracebacks of programs that failed.
func TestRaisedAt(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train.py", "lib/data.py"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("train.py", filepath.Join(dir, "link.py")); err != nil {
		t.Skip(err)
	}
	files := &config.Image{Files: []string{"."}, Workdir: "/app"}
	trace := func(calls ...string) string {
		return "Traceback (most recent call last):\n  " + strings.Join(calls, "\n    call()\n  ") + "\nValueError: no rows"
	}
	for name, test := range map[string]struct {
		image *config.Image
		lines string
		want  report.Position
	}{
		"the last call":       {files, trace(`File "/app/train.py", line 30, in <module>`, `File "/app/lib/data.py", line 7, in load`), report.Position{File: "lib/data.py", Line: 7}},
		"a library below":     {files, trace(`File "/app/train.py", line 30, in <module>`, `File "/usr/lib/python3.11/json/train.py", line 7, in load`), report.Position{File: "train.py", Line: 30}},
		"another directory":   {&config.Image{Files: []string{"."}, Workdir: "/srv/code/"}, trace(`File "/srv/code/train.py", line 30, in <module>`, `File "/app/lib/data.py", line 7, in f`), report.Position{File: "train.py", Line: 30}},
		"the root":            {&config.Image{Files: []string{"."}, Workdir: "/"}, trace(`File "/train.py", line 3, in f`), report.Position{File: "train.py", Line: 3}},
		"a prefix of a log":   {files, `[rank0]:   File "/app/train.py", line 3, in f`, report.Position{File: "train.py", Line: 3}},
		"not of the image":    {&config.Image{Files: []string{"lib/"}, Workdir: "/app"}, trace(`File "/app/lib/data.py", line 30, in <module>`, `File "/app/train.py", line 7, in load`), report.Position{File: "lib/data.py", Line: 30}},
		"a file by its name":  {&config.Image{Files: []string{"./train.py"}, Workdir: "/app"}, trace(`File "/app/train.py", line 7, in load`, `File "/app/lib/data.py", line 3, in f`), report.Position{File: "train.py", Line: 7}},
		"outside":             {files, trace(`File "/app/../etc/passwd", line 3, in f`, `File "/app/../../train.py", line 1`), report.Position{}},
		"a link":              {files, trace(`File "/app/link.py", line 3, in f`), report.Position{}},
		"no such file":        {files, trace(`File "/app/gone.py", line 3, in f`, `File "<string>", line 1, in f`), report.Position{}},
		"a directory":         {files, trace(`File "/app/lib", line 3, in f`), report.Position{}},
		"no traceback":        {files, "killed", report.Position{}},
		"of a Dockerfile":     {&config.Image{Dockerfile: "Dockerfile", Workdir: "/app"}, trace(`File "/app/train.py", line 3, in f`), report.Position{}},
		"no image of its own": {nil, trace(`File "/app/train.py", line 3, in f`), report.Position{}},
	} {
		got := raisedAt(dir, test.image, strings.Split(test.lines, "\n"))
		if test.want.File != "" {
			test.want.File = filepath.Join(dir, filepath.FromSlash(test.want.File))
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
