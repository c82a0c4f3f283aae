package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/sandbox"
)

// repository returns the directory of a sandbox in a new repository, without links.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, ".slipway", "sandbox")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// replace writes a file, and returns a function that restores its old content.
func replace(t *testing.T, path, text string) (restore func()) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
	return func() { write(t, path, string(before)) }
}

// TestPlantedEndpointIsNotTrusted uses a repository that contains the address of
// somebody else's server as a sandbox.
func TestPlantedEndpointIsNotTrusted(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		_ = json.NewEncoder(w).Encode(sandbox.Sandbox{Version: "test"})
	}))
	defer server.Close()
	plain := `{"pid": 1, "version": "test", "registry": "` + server.URL + `", "kubernetes": "` + server.URL + `", "polyaxon": "` + server.URL + `", "token": "x"}`
	for _, text := range []string{plain, `{"endpoint": ` + plain + `, "code": ""}`, `{"endpoint": ` + plain + `, "code": "` + strings.Repeat("0", 64) + `"}`} {
		dir := repository(t)
		write(t, filepath.Join(dir, "endpoint.json"), text)
		if running, err := sandbox.Running(t.Context(), dir); err == nil || errors.Is(err, sandbox.ErrNotRunning) {
			t.Errorf("it is believed: %+v %v", running, err)
		}
		if _, err := sandbox.Join(t.Context(), options(dir)); !errors.As(err, new(*sandbox.ForeignError)) || !strings.Contains(err.Error(), "slipway sandbox reset") {
			t.Errorf("it is joined: %v", err)
		}
		if err := sandbox.Reset(t.Context(), dir); err != nil {
			t.Error(err)
		}
		// Nor in a directory of this machine.
		join(t, dir)
		restore := replace(t, filepath.Join(dir, "endpoint.json"), text)
		if running, err := sandbox.Running(t.Context(), dir); !errors.Is(err, sandbox.ErrNotRunning) {
			t.Errorf("in a directory of this machine it is believed: %+v %v", running, err)
		}
		restore()
	}
	if asked {
		t.Error("the planted server was asked")
	}
}

// TestEndpointOfAnotherHost uses endpoints with a valid code and an address that is not
// on loopback.
func TestEndpointOfAnotherHost(t *testing.T) {
	dir := t.TempDir()
	join(t, dir)
	for _, address := range []string{"http://192.0.2.1:80", "https://127.0.0.1:80", "http://127.0.0.1.example:80", "http://x@127.0.0.1:80", "http://localhost:80"} {
		text := []byte(`{"registry":"http://127.0.0.1:1","kubernetes":"http://127.0.0.1:1","polyaxon":"` + address + `"}`)
		code, err := machine.MAC("endpoint of "+dir, text)
		if err != nil {
			t.Fatal(err)
		}
		restore := replace(t, filepath.Join(dir, "endpoint.json"), `{"endpoint":`+string(text)+`,"code":"`+code+`"}`)
		if running, err := sandbox.Running(t.Context(), dir); !errors.Is(err, sandbox.ErrNotRunning) {
			t.Errorf("%s: %+v %v", address, running, err)
		}
		restore()
	}
}

// TestStaleEndpoint uses the endpoint of a killed sandbox, whose ports now belong to
// another process.
func TestStaleEndpoint(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		_ = json.NewEncoder(w).Encode(sandbox.Sandbox{Version: "test"})
	}))
	defer server.Close()
	dir := t.TempDir()
	kill(t, dir, join(t, dir))
	text := []byte(`{"version":"test","registry":"` + server.URL + `","kubernetes":"` + server.URL + `","polyaxon":"` + server.URL + `","token":"x"}`)
	code, err := machine.MAC("endpoint of "+dir, text)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "endpoint.json"), `{"endpoint":`+string(text)+`,"code":"`+code+`"}`)
	if running, err := sandbox.Running(t.Context(), dir); !errors.Is(err, sandbox.ErrNotRunning) || asked {
		t.Errorf("%+v %v; asked: %t", running, err, asked)
	}
}

// TestAnotherServerAtThePort has another process answer at the port of a sandbox that was killed,
// while a process holds its lock, as the next one does before it has an address. What it
// answers must not be believed, not even with a code that it has seen.
func TestAnotherServerAtThePort(t *testing.T) {
	dir := t.TempDir()
	killed := join(t, dir)
	published, err := os.ReadFile(filepath.Join(dir, "endpoint.json"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, killed.Polyaxon+"/_slipway/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+string(killed.Token.Reveal()))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	seen := answer.Header.Get("Slipway-Proof")
	kill(t, dir, killed)
	write(t, filepath.Join(dir, "endpoint.json"), string(published))

	listener, err := net.Listen("tcp", strings.TrimPrefix(killed.Polyaxon, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	proof, asked := "", 0
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Slipway-Proof", proof)
		_, _ = io.WriteString(w, `{"version":"test","release":"2.18","active_runs":1,"proves":false,"registry":"http://evil.example","address":"http://evil.example"}`)
	})}}
	server.Start()
	defer server.Close()
	lock := flock.New(filepath.Join(dir, "lock"))
	if held, err := lock.TryLock(); !held {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	for _, proof = range []string{"", strings.Repeat("0", 64), seen} {
		if running, err := sandbox.Running(t.Context(), dir); !errors.Is(err, sandbox.ErrNotRunning) {
			t.Errorf("code %.8s: it is believed: %+v %v", proof, running, err)
		}
		if address, err := killed.ServiceAddress(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "another program answers at the port of the sandbox") {
			t.Errorf("code %.8s: a service is at %s, %v", proof, address, err)
		}
	}
	if asked != 6 || len(seen) != 64 {
		t.Errorf("it was asked %d times; the code is %q", asked, seen)
	}
}

// TestSandboxBeforeReleases joins a sandbox of an older slipway, which supports only 2.18
// and does not report a release.
func TestSandboxBeforeReleases(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":"older","active_runs":1}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	kill(t, dir, join(t, dir))
	lock := flock.New(filepath.Join(dir, "lock"))
	if held, err := lock.TryLock(); !held {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	text := []byte(`{"version":"older","registry":"` + server.URL + `","kubernetes":"` + server.URL + `","polyaxon":"` + server.URL + `","token":"x"}`)
	code, err := machine.MAC("endpoint of "+dir, text)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "endpoint.json"), `{"endpoint":`+string(text)+`,"code":"`+code+`"}`)
	running, err := sandbox.Running(t.Context(), dir)
	if err != nil || !running.Is("") || !running.Is("2.18") || running.Is("1.11.3") {
		t.Errorf("%+v %v", running, err)
	}
	server.Close() // so that Cleanup cannot stop it
}

// TestLinksAreNotFollowed uses links in place of a sandbox's directories.
func TestLinksAreNotFollowed(t *testing.T) {
	precious := t.TempDir()
	write(t, filepath.Join(precious, "sandbox", "file"), "mine")
	for _, link := range []string{".slipway", ".slipway/sandbox"} {
		root := t.TempDir()
		target := precious
		if link != ".slipway" {
			target = filepath.Join(precious, "sandbox")
			if err := os.Mkdir(filepath.Join(root, ".slipway"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(target, filepath.Join(root, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, ".slipway", "sandbox")
		for name, do := range map[string]func() error{
			"reset":   func() error { return sandbox.Reset(t.Context(), dir) },
			"join":    func() error { _, err := sandbox.Join(t.Context(), options(dir)); return err },
			"running": func() error { _, err := sandbox.Running(t.Context(), dir); return err },
		} {
			if err := do(); !errors.As(err, new(*machine.OwnerError)) || !strings.Contains(err.Error(), "is a symbolic link") {
				t.Errorf("%s through a link %s: %v", name, link, err)
			}
		}
	}
	// Links in a directory that came with the repository are removed, and their targets
	// stay.
	dir := repository(t)
	write(t, filepath.Join(dir, "registry", "x"), "x")
	for _, name := range []string{"lock", "images", "endpoint.json", "registry/blobs"} {
		if err := os.Symlink(filepath.Join(precious, "sandbox"), filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := sandbox.Reset(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(precious, "sandbox", "file")); err != nil || string(text) != "mine" {
		t.Errorf("what links lead to holds %q (%v)", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}

// TestStateMoves renames a repository, and copies one.
func TestStateMoves(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", ".slipway", "sandbox")
	s := join(t, dir)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(base, "a"), filepath.Join(base, "b")); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(base, "b", ".slipway", "sandbox")
	join(t, moved)
	copied := filepath.Join(base, "c", ".slipway", "sandbox")
	owner, err := os.ReadFile(filepath.Join(moved, "owner"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(copied, "owner"), string(owner))
	write(t, filepath.Join(copied, "volumes", "x"), "x")
	if _, err := sandbox.Join(t.Context(), options(copied)); !errors.As(err, new(*sandbox.ForeignError)) {
		t.Errorf("a copy is taken: %v", err)
	}
}

// TestLinkToTheRepository joins a running sandbox from a path that leads to the repository
// through a link, as a shell may give it.
func TestLinkToTheRepository(t *testing.T) {
	dir, link := repository(t), filepath.Join(t.TempDir(), "link")
	running := join(t, dir)
	if err := os.Symlink(filepath.Dir(filepath.Dir(dir)), link); err != nil {
		t.Skip(err)
	}
	if joined := join(t, filepath.Join(link, ".slipway", "sandbox")); joined.PID != running.PID {
		t.Errorf("process %d is joined, want %d", joined.PID, running.PID)
	}
}

// TestDeletedSandboxDoesNotAffectTheNextOne deletes .slipway while a sandbox runs, and
// starts another one.
func TestDeletedSandboxDoesNotAffectTheNextOne(t *testing.T) {
	dir := repository(t)
	before := join(t, dir)
	if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	after := join(t, dir)
	if after.PID == before.PID {
		t.Fatal("the deleted one is joined")
	}
	_ = before.Stop(t.Context()) // it may have ended already
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		process, err := os.FindProcess(before.PID)
		if err != nil || !alive(process) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the deleted one goes on")
		}
	}
	running, err := sandbox.Running(t.Context(), dir)
	if err != nil || running.PID != after.PID {
		t.Errorf("%+v runs (%v), want process %d", running, err, after.PID)
	}
}

// alive reports whether a process that is not a child of this one is running.
func alive(process *os.Process) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(process.Pid), "stat"))
	return err == nil && !strings.Contains(string(text), ") Z ")
}
