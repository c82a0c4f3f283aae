package artifact

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	server "github.com/slipway-ci/slipway/internal/sandbox/storage"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestKilled kills the process that copies artifacts after some of them are in the bucket. The run is not
// visible then. The next process copies only the rest, and leaves nothing on this machine.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("ARTIFACT_DIR"); dir != "" {
		s := &story{job: &config.Job{Name: "train", Artifacts: map[string]string{"model": "outputs/model/**"}}}
		s.open(t, dir, os.Getenv("ARTIFACT_BUCKETS"))
		var writes atomic.Int64
		s.fault = func(r *http.Request) error {
			if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/upload/") && writes.Add(1) == 8 {
				process, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = process.Kill()
				}
				t.Error(err)
				select {}
			}
			return nil
		}
		_, err := s.keep(t.Context(), project.GateMet)
		t.Fatalf("it was not killed: %v", err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	handler, err := server.New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	s := begin(t, listening.URL)
	s.mu.Lock() // the other process asks for them
	for n := range 20 {
		s.files[fmt.Sprintf("outputs/model/%02d", n)] = strings.Repeat("x", n)
	}
	s.mu.Unlock()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "ARTIFACT_DIR="+s.Config.Dir, "ARTIFACT_BUCKETS="+listening.URL)
	if out, err := child.CombinedOutput(); !errors.As(err, new(*exec.ExitError)) || strings.Contains(string(out), "not killed") {
		t.Fatalf("%v: %s", err, out)
	}
	there := len(s.names(t))
	if m, err := s.Manifest(t.Context(), "train", uuid); err != nil || m != nil || there < 4 {
		t.Fatalf("%d files are there, and a manifest %+v: %v", there, m, err)
	}
	s.downloads.Store(0)
	kept, err := s.keep(t.Context(), project.GateMet)
	if err != nil || kept.Action != report.ActionCopied || kept.Files != 22 {
		t.Errorf("%+v, %v", kept, err)
	}
	if got := s.downloads.Load(); got == 0 || got > int64(22-there) {
		t.Errorf("%d downloads: %d of 22 files were there already", got, there)
	}
	left, err := os.ReadDir(s.Config.Dir + "/.slipway/cache/artifacts")
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { // killed after it was created and before it was unlinked
		info, err := e.Info()
		return err == nil && info.Size() == 0
	})
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}
