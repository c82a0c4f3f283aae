package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// shared holds the server of Polyaxon 2.18 that the tests share.
var shared testenv.Shared

// suite runs the tests. It runs more of them at once than there are processors, because
// most wait for a server or a process.
type suite struct{ *testing.M }

// Run runs the tests.
func (s suite) Run() int {
	flag.Parse()
	for _, variable := range os.Environ() { // the tests must not write into the workflow that runs them
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GITHUB_") {
			_ = os.Unsetenv(name)
		}
	}
	if at := flag.Lookup("test.parallel"); at.Value.String() == at.DefValue {
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
	return shared.Run(s.M)
}

func TestMain(m *testing.M) {
	testenv.DisableRaceExitDelay()
	if len(os.Args) > 2 && os.Args[1] == "sandbox" && os.Args[2] == "serve" {
		main() // a test ran a command in its own process, and the command started this sandbox
	}
	testscript.Main(suite{m}, map[string]func(){"slipway": main})
}

// TestStories runs every story in testdata: the commands that a user types, and what they
// print. Each story has its own repository in $WORK, with the program of testdata/job,
// and its own sandbox. Nothing but Go has to be installed.
func TestStories(t *testing.T) {
	t.Parallel()
	stories(t, "testdata", nil)
}

// stories runs the stories of a directory. prepare, which may be nil, completes the
// environment of each.
func stories(t *testing.T, dir string, prepare func(*testscript.Env) error) {
	program, err := os.ReadFile(filepath.Join("testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"PATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOTOOLCHAIN", "GOFLAGS", "GORACE"} {
				if value, ok := os.LookupEnv(name); ok {
					env.Setenv(name, value)
				}
			}
			cache, err := os.UserCacheDir()
			if err != nil {
				return err
			}
			env.Setenv("GOCACHE", filepath.Join(cache, "go-build"))
			config, err := os.UserConfigDir() // holds this machine's secret
			if err != nil {
				return err
			}
			env.Setenv("XDG_CONFIG_HOME", config)
			env.Setenv("ROOT", root)
			if os.Geteuid() == 0 {
				// Without these capabilities, file modes restrict root as they restrict
				// other users.
				env.Setenv("UNPRIVILEGED", "setpriv --bounding-set=-dac_override,-dac_read_search")
			}
			env.Setenv("PATH", filepath.Dir(mustExecutable(t))+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Defer(func() { stopSandboxes(t, env.WorkDir) })
			if prepare != nil {
				if err := prepare(env); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(filepath.Join(env.WorkDir, "job"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "job", "main.go"), program, 0o644)
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "thorough":
				return testenv.Thorough(), nil
			case "debian":
				return testenv.HasDebian(t.Context()), nil
			case "skopeo":
				_, err := exec.LookPath(name)
				if err != nil && testenv.Demanded() {
					return false, fmt.Errorf("%s is not here, and CI wants it: %w", name, err)
				}
				return err == nil, nil
			}
			components := map[string]string{"python-base": "python-base.tar", "uv": "installers/bin/uv", "buildkitd": "buildkitd", "polyaxon": "haupt/bin/polyaxon", "kubectl": "kubectl", "crane": "crane"}
			file, ok := components[name]
			if !ok {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			_, err := os.Stat(filepath.Join(root, ".cache", file))
			if err != nil && testenv.Demanded() {
				return false, fmt.Errorf("%s is not here, and CI wants it: %w", name, err)
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"eventually":  eventually,
			"index":       index,
			"fetch":       fetch,
			"freeport":    freePort,
			"occupy":      occupy,
			"unraced":     func(ts *testscript.TestScript, neg bool, args []string) { unraced(t, ts, neg, args) },
			"saveimage":   saveImage,
			"block":       block,
			"googlecloud": func(ts *testscript.TestScript, neg bool, args []string) { googleCloud(t, ts, neg, args) },
			"act":         func(ts *testscript.TestScript, neg bool, args []string) { act(t, ts, neg, args) },
			"servicepod":  func(ts *testscript.TestScript, neg bool, args []string) { servicePod(t, ts, neg, args) },
			"pythonbase":  func(ts *testscript.TestScript, neg bool, args []string) { pythonBase(t, ts, neg, args) },
			"debianbase":  func(ts *testscript.TestScript, neg bool, args []string) { debianBase(t, ts, neg, args) },
			"buildkit":    func(ts *testscript.TestScript, neg bool, args []string) { buildKit(t, ts, neg, args) },
		},
	})
}

// eventually runs a command repeatedly, for at most 5 minutes, until its output matches:
// eventually REGEXP slipway ARGS...
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND [ARGS...]")
	}
	wanted := regexp.MustCompile(args[0])
	output := ""
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...)
		output = ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if wanted.MatchString(output) {
			return
		}
	}
	ts.Fatalf("%s never said %q; last:\n%s", strings.Join(args[1:], " "), args[0], output)
}

// pythonBase pushes a base image with Debian's Python to the sandbox that runs in the
// working directory, and stores its reference in a variable: pythonbase NAME. The image
// is an index for amd64 and arm64, but both have the Python of this machine.
func pythonBase(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pythonbase NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	running, err := sandbox.Running(ctx, ts.MkAbs(filepath.Join(".slipway", "sandbox")))
	ts.Check(err)
	layer, err := newTarLayer(testenv.PythonBase(t))
	ts.Check(err)
	var base v1.ImageIndex = empty.Index
	for _, architecture := range []string{"amd64", "arm64"} {
		platform := v1.Platform{OS: "linux", Architecture: architecture}
		image, err := mutate.AppendLayers(empty.Image, layer)
		ts.Check(err)
		config, err := image.ConfigFile()
		ts.Check(err)
		config.OS, config.Architecture = platform.OS, platform.Architecture
		image, err = mutate.ConfigFile(image, config)
		ts.Check(err)
		base = mutate.AppendManifests(base, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	reference, err := name.ParseReference(strings.TrimPrefix(running.Registry, "http://")+"/bases/python:3.11", name.Insecure)
	ts.Check(err)
	ts.Check(remote.WriteIndex(reference, base, remote.WithContext(ctx), remote.WithAuthFromKeychain(running.Keychain(authn.NewMultiKeychain()))))
	ts.Setenv(args[0], reference.String())
}

// tarLayer is an uncompressed layer made from a tar file. With the race detector,
// compressing its 200 MB would take half a minute.
type tarLayer struct {
	path   string
	digest v1.Hash
	size   int64
}

func newTarLayer(path string) (v1.Layer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	digest, size, err := v1.SHA256(file)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToLayer(tarLayer{path, digest, size})
}

func (l tarLayer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l tarLayer) DiffID() (v1.Hash, error)            { return l.digest, nil }
func (l tarLayer) Size() (int64, error)                { return l.size, nil }
func (l tarLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }
func (l tarLayer) Compressed() (io.ReadCloser, error)  { return os.Open(l.path) }

// buildKit starts a buildkitd for the story and stores its address in BUILDKIT_HOST.
func buildKit(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: buildkit")
	}
	ts.Setenv("BUILDKIT_HOST", testenv.BuildKit(t))
}

// unraced builds slipway without the race detector and uses that binary from here on,
// because it reads large images ten times faster: unraced
func unraced(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unraced")
	}
	bin := ts.MkAbs(".bin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "slipway"), ".").CombinedOutput(); err != nil {
		ts.Fatalf("build slipway: %v\n%s", err, out)
	}
	ts.Setenv("PATH", bin+string(os.PathListSeparator)+ts.Getenv("PATH"))
}

// index lets a story use the package index of this machine: index
func index(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: index")
	}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "PIP_") || strings.HasPrefix(upper, "UV_") || strings.HasSuffix(upper, "_PROXY") || strings.HasPrefix(upper, "SSL_CERT_") {
			ts.Setenv(name, value)
		}
	}
}

// freePort stores a free port in a variable: freeport NAME
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(errors.Join(err, listener.Close()))
	ts.Setenv(args[0], port)
}

// fetch requests a URL repeatedly, for at most 5 minutes, until the response contains
// TEXT. With FILE, the URL is only the beginning, and the whole URL is read from the
// file: fetch TEXT URL [FILE]
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: fetch TEXT URL [FILE]")
	}
	last := ""
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		address := args[1]
		if len(args) == 3 { // the file has the whole URL
			text, _ := os.ReadFile(ts.MkAbs(args[2]))
			_, rest, ok := strings.Cut(string(text), address)
			if !ok {
				last = string(text)
				continue
			}
			address += strings.Fields(rest)[0]
		}
		response, err := http.Get(address)
		if err != nil {
			last = err.Error()
			continue
		}
		text, err := io.ReadAll(response.Body)
		ts.Check(errors.Join(err, response.Body.Close()))
		if last = string(text); strings.Contains(last, args[0]) {
			return
		}
	}
	ts.Fatalf("%s never said %q; last: %s", args[1], args[0], last)
}

// occupy listens on the ports that a file lists until the story ends: occupy FILE
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupy FILE")
	}
	var ports []int
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &ports))
	for _, port := range ports {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		ts.Check(err)
		ts.Defer(func() { _ = listener.Close() })
	}
}

// stopSandboxes stops the sandboxes that a story left running in the background.
func stopSandboxes(t *testing.T, dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "endpoint.json" {
			return nil //nolint:nilerr // a directory that vanishes meanwhile holds no sandbox
		}
		running, err := sandbox.Running(ctx, filepath.Dir(path))
		if err != nil {
			return nil //nolint:nilerr // it has ended by itself
		}
		return running.Stop(ctx)
	})
	if err != nil {
		t.Errorf("stop the sandbox of the story: %v", err)
	}
}

func mustExecutable(t *testing.T) string {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
