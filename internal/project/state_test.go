package project

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

type eventTexts []string

func (l *eventTexts) Event(e report.Event) { *l = append(*l, e.Message) }

// TestNoteCacheUnusedOnce checks that the note is sent once for all images, and not at
// all if this machine's secret can be stored.
func TestNoteCacheUnusedOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("each account has a profile")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, file)
	}
	for temporary, want := range map[string]int{dir: 0, file: 1} {
		t.Setenv("TMPDIR", temporary)
		var lines eventTexts
		p := &Project{Env: &Env{Events: NewRecorder(&lines, time.Now)}}
		p.NoteCacheUnused("a")
		p.NoteCacheUnused("b")
		if len(lines) != want || want > 0 && !strings.Contains(lines[0], "set HOME or TMPDIR to a writable directory") {
			t.Errorf("with TMPDIR=%s it is told %q", temporary, lines)
		}
	}
}
