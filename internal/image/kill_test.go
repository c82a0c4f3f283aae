package image

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// pusher is the environment variable that tells the child process of this test which
// registry to push to, and which tree.
const pusher = "SLIPWAY_TEST_PUSH"

func TestMain(m *testing.M) {
	testenv.DisableRaceExitDelay()
	os.Exit(m.Run())
}

// TestPushInChildProcess is the child process of TestKilled.
func TestPushInChildProcess(t *testing.T) {
	url, dir, found := strings.Cut(os.Getenv(pusher), " ")
	if !found {
		t.Skip("it is started by TestKilled")
	}
	r := at127(url)
	s := filesSpec(dir, "src", "model.bin")
	s.Name = os.Getenv(pusher + "_NAME")
	recipe, err := Prepare(t.Context(), s, r)
	must(t, err)
	recipe.Attest = func(Subject) ([]registry.Artifact, error) {
		return []registry.Artifact{{Type: "application/spdx+json", Document: []byte(`{}`)}}, nil
	}
	_, err = Push(t.Context(), r, recipe, []string{"v1"}, nil)
	must(t, err)
}

// TestKilled kills a push at each of its requests, as kill -9 does. No tag points to an
// incomplete image, and the next push completes it.
func TestKilled(t *testing.T) {
	t.Parallel()
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	r := serve(t, f)
	dir := many(10).write(t)
	must(t, os.WriteFile(dir+"/model.bin", []byte(strings.Repeat("0123456789abcdef", registry.MemoryLimit/16+1)), 0o644))
	push := func(name string) *exec.Cmd {
		must(t, os.RemoveAll(cacheDir(dir))) // so that all pushes send the same requests
		command := exec.Command(os.Args[0], "-test.run=^TestPushInChildProcess$")
		command.Env = append(os.Environ(), pusher+"=http://"+strings.SplitN(r.Prefix, "/", 2)[0]+" "+dir, pusher+"_NAME="+name)
		return command
	}
	if out, err := push("whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	requests, _ := f.Log()
	whole := &Image{Recipe: &Recipe{Name: "whole"}}
	reference, err := r.Tagged(t.Context(), "whole", "v1")
	must(t, err)
	must(t, whole.Digest.UnmarshalText([]byte(reference.DigestStr())))
	step := 1
	if !testenv.Thorough() {
		step = 4
	}
	for k := 1; k <= len(requests); k += step {
		name := fmt.Sprintf("killed%d/whole", k)
		command := push(name)
		var killed atomic.Bool
		started := make(chan struct{})
		f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n < k {
				return false
			}
			<-started
			if !killed.Swap(true) {
				_ = command.Process.Kill()
			}
			registrytest.Reset(w, r)
			return true
		})
		must(t, command.Start())
		close(started)
		if err := command.Wait(); err == nil || !killed.Load() {
			t.Errorf("at request %d it was not killed: %v", k, err)
		}
		f.InterceptWith(nil)
		broken := &Image{Recipe: &Recipe{Name: name}, Digest: whole.Digest}
		wantComplete(t, r, broken)
		if out, err := push(name).CombinedOutput(); err != nil {
			t.Errorf("after it was killed at request %d: %v\n%s", k, err, out)
		}
		if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, broken)); diff != "" {
			t.Errorf("after it was killed at request %d: %s", k, diff)
		}
	}
}
