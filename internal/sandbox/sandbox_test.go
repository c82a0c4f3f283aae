package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxon/polyaxontest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// role is the argument that makes the test binary a sandbox.
const role = "sandbox-of-test"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == role {
		err := sandbox.Serve(context.Background(), sandbox.ServeOptions{
			Idle: time.Minute, Log: os.Stderr, Self: self(), Lookup: os.LookupEnv, Version: "test",
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testenv.DisableRaceExitDelay()
	os.Exit(m.Run())
}

func self() []string {
	executable, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{executable, role}
}

func options(dir string) sandbox.Options {
	return sandbox.Options{Dir: dir, Self: self(), Lookup: os.LookupEnv, Version: "test"}
}

// join starts a sandbox that ends with the test.
func join(t *testing.T, dir string) *sandbox.Sandbox { return joinAs(t, dir, "") }

// joinAs is like join, for a release of Polyaxon.
func joinAs(t *testing.T, dir, release string) *sandbox.Sandbox {
	t.Helper()
	o := options(dir)
	o.Release = release
	joined, err := sandbox.Join(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if running, err := sandbox.Running(context.Background(), dir); err == nil {
			if err := running.Stop(context.Background()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	})
	return joined
}

func TestConcurrentJoin(t *testing.T) {
	dir := t.TempDir()
	join(t, dir)
	var group sync.WaitGroup
	pids := make([]int, 20)
	for i := range pids {
		group.Add(1)
		go func() {
			defer group.Done()
			joined, err := sandbox.Join(t.Context(), options(dir))
			if err != nil {
				t.Error(err)
				return
			}
			pids[i] = joined.PID
		}()
	}
	group.Wait()
	for _, pid := range pids {
		if pid != pids[0] {
			t.Fatalf("different sandboxes: %v", pids)
		}
	}
}

func TestConcurrentStart(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	var mu sync.Mutex
	pids := map[int]bool{}
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			joined, err := sandbox.Join(t.Context(), options(dir))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			pids[joined.PID] = true
			mu.Unlock()
		}()
	}
	group.Wait()
	join(t, dir)
	if len(pids) != 1 {
		t.Errorf("%d sandboxes were started: %v", len(pids), pids)
	}
}

// TestEndsWhenIdle waits for the end of a sandbox without requests.
func TestEndsWhenIdle(t *testing.T) {
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() {
		ended <- sandbox.Serve(t.Context(), sandbox.ServeOptions{Dir: dir, Idle: 50 * time.Millisecond, Log: io.Discard, Self: self(), Lookup: os.LookupEnv, Version: "test"})
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on though nobody needs it")
	}
	if running, err := sandbox.Running(t.Context(), dir); err == nil {
		t.Errorf("it has ended, and is said to run: %+v", running)
	}
}

// TestOpenRequestKeepsItAlive checks that a sandbox does not end while a client watches it,
// although the client sends no other request.
func TestOpenRequestKeepsItAlive(t *testing.T) {
	t.Parallel()
	const idle = 3 * time.Second // a sandbox that nobody has found yet must not end on a busy machine
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() {
		ended <- sandbox.Serve(t.Context(), sandbox.ServeOptions{Dir: dir, Idle: idle, Log: io.Discard, Self: self(), Lookup: os.LookupEnv, Version: "test"})
	}()
	var s *sandbox.Sandbox
	until(t, "the sandbox runs", func() (ok bool) {
		found, err := sandbox.Running(t.Context(), dir)
		s = found
		return err == nil
	})
	client, err := kubernetes.NewForConfig(s.Access())
	if err != nil {
		t.Fatal(err)
	}
	w, err := client.CoreV1().Secrets("default").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Errorf("it has ended under a watch: %v", err)
	case <-time.After(2 * idle):
		if _, err := sandbox.Running(t.Context(), dir); err != nil {
			t.Errorf("it is ending under a watch: %v", err)
		}
		w.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// kill kills the sandbox of dir, and waits until its process is gone.
func kill(t *testing.T, dir string, s *sandbox.Sandbox) {
	t.Helper()
	process, err := os.FindProcess(s.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Its ports are closed before its lock is released.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lock := flock.New(filepath.Join(dir, "lock"))
	if free, err := lock.TryLockContext(ctx, 10*time.Millisecond); !free {
		t.Fatalf("the killed sandbox still runs: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Running(t.Context(), dir); !errors.Is(err, sandbox.ErrNotRunning) {
		t.Fatalf("the killed sandbox is not gone: %v", err)
	}
}

func TestRestartAfterKill(t *testing.T) {
	dir := t.TempDir()
	before := join(t, dir)
	kill(t, dir, before)
	after := join(t, dir)
	if after.PID == before.PID {
		t.Fatal("the killed one still answers")
	}
	if after.Registry != before.Registry || after.Polyaxon != before.Polyaxon {
		t.Errorf("the ports changed: %s to %s", before.Registry, after.Registry)
	}
	known := map[string]string{}
	for name, token := range map[string]secret.Value{
		"Polyaxon's before": before.Token, "Polyaxon's": after.Token, "the registry's before": before.RegistryToken, "the registry's": after.RegistryToken,
		"Kubernetes' before": before.KubernetesToken, "Kubernetes'": after.KubernetesToken,
	} {
		text := string(token.Reveal())
		if known[text] != "" || len(text) < 20 {
			t.Errorf("the token %s is that of %q", name, known[text])
		}
		known[text] = name
	}
}

func TestAnotherVersionReplacesIt(t *testing.T) {
	dir := t.TempDir()
	before := join(t, dir)
	newer := options(dir)
	newer.Version = "newer"
	after, err := sandbox.Join(t.Context(), newer)
	if err != nil {
		t.Fatal(err)
	}
	if after.PID == before.PID {
		t.Error("an old sandbox that is idle was kept")
	}
}

func TestTokenIsRequired(t *testing.T) {
	s := join(t, t.TempDir())
	client, err := rest.HTTPClientFor(&rest.Config{TLSClientConfig: s.Access().TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{s.Registry + "/v2/", s.Kubernetes + "/api", s.Kubernetes + "/api/v1/secrets", s.Polyaxon + "/api/v1/installation", s.Polyaxon + "/_slipway/status"} {
		for name, authorization := range map[string]string{"none": "", "wrong": "Bearer " + strings.Repeat("0", 64), "empty": "Bearer "} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if authorization != "" {
				request.Header.Set("Authorization", authorization)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %s token: %s", address, name, response.Status)
			}
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "evil.example"
		request.Header.Set("Authorization", "Bearer "+string(s.Token.Reveal()))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s under another host's name: %s", address, response.Status)
		}
	}
}

// TestKubernetesRefusesInItsWords checks that a client without the token gets the refusal
// of an API server, which it can tell from that of a proxy.
func TestKubernetesRefusesInItsWords(t *testing.T) {
	s := join(t, t.TempDir())
	access := s.Access()
	access.BearerToken = "wrong"
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	var refused *apierrors.StatusError
	if !errors.As(err, &refused) || !apierrors.IsUnauthorized(err) || refused.ErrStatus.Message != "Unauthorized" || refused.ErrStatus.Details != nil {
		t.Errorf("%v: %+v", err, refused)
	}
}

// TestSecretsDoNotLeak looks for the secrets of the command that starts a sandbox, and for
// the sandbox's own token, where they must not be.
func TestSecretsDoNotLeak(t *testing.T) {
	t.Setenv("CANARY", "canary-in-the-environment")
	dir := t.TempDir()
	s := join(t, dir)
	for _, file := range []string{"environ", "cmdline"} {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.PID), file))
		if err != nil {
			t.Skip("there is no /proc here")
		}
		if bytes.Contains(text, []byte("canary-in-the-environment")) || bytes.Contains(text, s.Token.Reveal()) {
			t.Errorf("a secret stands in /proc/PID/%s", file)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "sandbox.log"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(log, s.Token.Reveal()) {
		t.Error("the token stands in the log")
	}
	info, err := os.Stat(filepath.Join(dir, "endpoint.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the token has mode %s", info.Mode())
	}
	tables, err := exec.CommandContext(t.Context(), "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6").Output()
	if err != nil {
		t.Skip("there is no /proc/net here")
	}
	for _, address := range []string{s.Registry, s.Kubernetes, s.Polyaxon} {
		port, err := strconv.Atoi(address[strings.LastIndex(address, ":")+1:])
		if err != nil {
			t.Fatal(err)
		}
		listening := fmt.Sprintf(":%04X 00000000:0000 0A", port)
		if !strings.Contains(string(tables), "0100007F"+listening) || strings.Contains(string(tables), "00000000"+listening) {
			t.Errorf("%s is not on loopback only", address)
		}
	}
}

// TestKubernetesIsServedWithTLS checks that clients reach the cluster with TLS only, that
// they check it by the sandbox's own authority, which survives a restart, and that only the
// user can read the authority's key.
func TestKubernetesIsServedWithTLS(t *testing.T) {
	dir := t.TempDir()
	s := join(t, dir)
	ask := func(address string, trusted []byte) (int, error) {
		client, err := rest.HTTPClientFor(&rest.Config{BearerToken: string(s.KubernetesToken.Reveal()), TLSClientConfig: rest.TLSClientConfig{CAData: trusted}})
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(address)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	_, port, _ := strings.Cut(s.Kubernetes, "127.0.0.1:")
	for _, address := range []string{s.Kubernetes, "https://localhost:" + port} {
		if status, err := ask(address+"/version", []byte(s.Authority)); status != http.StatusOK || err != nil {
			t.Errorf("%s: %d, %v", address, status, err)
		}
	}
	if status, err := ask("http://127.0.0.1:"+port+"/version", nil); status == http.StatusOK {
		t.Errorf("without TLS: %d, %v", status, err)
	}
	if _, err := ask(s.Kubernetes+"/version", nil); err == nil {
		t.Error("the authorities of this machine suffice")
	}
	if info, err := os.Stat(filepath.Join(dir, "authority.pem")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info.Mode(), err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := join(t, dir); again.Authority != s.Authority {
		t.Error("after a restart the authority is another one")
	}
}

func TestResetDeletesAll(t *testing.T) {
	dir := t.TempDir()
	join(t, dir)
	if err := sandbox.Reset(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "lock" {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

func TestFailedStartSaysWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Join(t.Context(), options(file)); err == nil {
		t.Error("a sandbox runs in a file")
	}
	o := options(t.TempDir())
	o.Self = []string{"/bin/sh", "-c", "echo cannot start today; exit 3"}
	if _, err := sandbox.Join(t.Context(), o); err == nil || !strings.Contains(err.Error(), "cannot start today") {
		t.Errorf("the reason is not told: %v", err)
	}
}

func TestPolyaxonContract(t *testing.T) {
	s := join(t, t.TempDir())
	client, err := polyaxon.New(polyaxon.Options{Host: s.Polyaxon, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	polyaxontest.Contract(t, polyaxontest.Server{
		Client: client, Namespace: s.Namespace, Version: schema.Version{Major: 2, Minor: 18}, Image: pushJob(t, s), Program: []string{"/app/job"}, Services: true, Token: s.Token,
	})
}

// TestAnotherRelease checks that a sandbox without runs becomes the wanted release.
func TestAnotherRelease(t *testing.T) {
	dir := t.TempDir()
	newest, old := join(t, dir), joinAs(t, dir, "1.11.3")
	if again := joinAs(t, dir, "1.11.3"); !newest.Is("2.18") || !old.Is("1.11.3") || old.PID == newest.PID || again.PID != old.PID {
		t.Errorf("process %d is %s, then %d %s, then %d", newest.PID, newest.Release, old.PID, old.Release, again.PID)
	}
	client, err := polyaxon.New(polyaxon.Options{Host: old.Polyaxon, Token: old.Token})
	if err != nil {
		t.Fatal(err)
	}
	if told, err := client.Installation(t.Context()); err != nil || told.Version != (schema.Version{Major: 1, Minor: 11, Patch: 3}) {
		t.Errorf("it says %+v, %v", told, err)
	}
}

// pushJob builds the program of the tests' jobs and pushes it to the sandbox.
func pushJob(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	to := &registry.Client{
		Prefix:      strings.TrimPrefix(s.Registry, "http://"),
		Keychain:    s.Keychain(authn.NewMultiKeychain()),
		NameOptions: []name.Option{name.Insecure},
	}
	dir := t.TempDir()
	program, err := os.ReadFile("../../cmd/slipway/testdata/job/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"go.mod": []byte("module story\ngo 1.26\n"), "job/main.go": program} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	system, architecture, _ := strings.Cut(s.Platform, "/")
	recipe, err := image.Prepare(t.Context(), image.Spec{
		Name: "job", Dir: dir, Kind: "go", Main: "./job", Platforms: []v1.Platform{{OS: system, Architecture: architecture}}, Environ: os.Environ(),
	}, to)
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := image.Push(t.Context(), to, recipe, []string{"latest"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Reference.String()
}

func TestClusterContract(t *testing.T) {
	s := join(t, t.TempDir())
	clustertest.Contract(t, s.Access())
	clustertest.Kubectl(t, s.Access())
}

// TestStartedStartsNone checks that a process that was started to serve a sandbox starts none,
// also if its program forgot to ask.
func TestStartedStartsNone(t *testing.T) {
	o := options(t.TempDir())
	o.Lookup = func(name string) (string, bool) {
		if name == "SLIPWAY_SANDBOX_STATE" {
			return o.Dir, true
		}
		return os.LookupEnv(name)
	}
	joined, err := sandbox.Join(t.Context(), o)
	if !errors.As(err, new(*sandbox.StartedError)) || !sandbox.Started(o.Lookup) || sandbox.Started(os.LookupEnv) {
		t.Errorf("%+v, %v", joined, err)
	}
}
