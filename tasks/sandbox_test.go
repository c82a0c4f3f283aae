package tasks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks"
)

// TestServeUsage asks for a sandbox that cannot be. That is an error of usage, and nothing
// is written.
func TestServeUsage(t *testing.T) {
	env := &tasks.Env{Lookup: func(string) (string, bool) { return "", false }}
	for want, o := range map[string]tasks.SandboxServeOptions{
		"--polyaxon 2.0: the release must be 1.11.3 or 2.18":       {Release: "2.0"},
		"--idle -5s is not a valid duration: give one such as 15m": {Idle: -5 * time.Second},
	} {
		o.Dir = filepath.Join(t.TempDir(), "sandbox")
		err := tasks.SandboxServe(t.Context(), env, o)
		if err == nil || err.Error() != want || tasks.ExitCode(err) != tasks.ExitUsage {
			t.Errorf("exit code %d: %v, want %s", tasks.ExitCode(err), err, want)
		}
		if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
			t.Errorf("the directory was made: %v", err)
		}
	}
}
