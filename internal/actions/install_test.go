//go:build unix

package actions_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// programs are all that install.sh may start, on all systems.
var programs = []string{
	"cat", "chmod", "curl", "cut", "dirname", "find", "gzip", "head", "mkdir", "mktemp", "mv", "rm", "sha256sum", "shasum",
	"sort", "tail", "tar", "tee", "tr", "unzip", "xargs",
}

// runner is a machine for action/install.sh, in a directory whose name has spaces: a checkout of
// the action at the release v1.2.3, a server of the releases, and a PATH that has nothing but what
// the script needs. sleep writes to a file how long it would sleep.
type runner struct {
	t         *testing.T
	dir, root string
	url       string
	requests  []string
	mu        sync.Mutex
	// serve answers requests for an archive, instead of sending it.
	serve func(w http.ResponseWriter, request *http.Request, n int, archive []byte)
	// env are more variables, each NAME=VALUE.
	env []string
}

// releasedProgram is the program of a release for a platform.
func releasedProgram(version, platform string) string {
	return "#!/bin/sh\necho slipway " + version + " " + platform + "\n"
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	r := &runner{t: t, dir: filepath.Join(t.TempDir(), "a runner")}
	r.root = filepath.Join(r.dir, "_actions", "slipway")
	script, err := os.ReadFile(filepath.Join(testenv.Root(t), "action", "install.sh"))
	if err != nil {
		t.Fatal(err)
	}
	r.write("_actions/slipway/action/install.sh", string(script))
	for _, name := range []string{"go.mod", "go.sum", "cmd/main.go", "internal/a b.go", "internal/testdata/x.go", "internal/a_test.go", "tasks/a.go", "polyaxon/a.yml", "workflows/a.yml", "examples/a.go"} {
		r.write("_actions/slipway/"+name, "the text of "+name+"\n")
	}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			r.link(path, "bin/"+name)
		}
	}
	r.script("bin/sleep", `echo "$1" >>"$RUNNER_TEMP/slept"`)
	r.script("bin/uname", `case $1 in -s) echo "${UNAME_S:-Linux}" ;; -m) echo "${UNAME_M:-x86_64}" ;; esac`)
	digests := "# a comment\n"
	for _, version := range []string{"v1.2.3", "v1.2.2"} {
		sources := strings.Repeat("0", 64)
		if version == "v1.2.3" {
			sources = r.sources()
		}
		digests += sources + "  " + version + "/sources\n"
		for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"} {
			digests += fmt.Sprintf("%x  %s/%s\n", sha256.Sum256([]byte(releasedProgram(version, platform))), version, platform)
		}
	}
	r.write("_actions/slipway/action/digests.txt", digests)
	r.write("temp/kept", "")
	server := httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(server.Close)
	r.url = server.URL + "/mirror"
	return r
}

func (r *runner) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *runner) write(name, text string) {
	r.t.Helper()
	path := r.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) script(name, text string) { r.t.Helper(); r.write(name, "#!/bin/sh\n"+text+"\n") }

func (r *runner) link(to, name string) {
	r.t.Helper()
	path := r.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(to, path)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) remove(name string) {
	r.t.Helper()
	if err := os.RemoveAll(r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) read(name string) string {
	text, _ := os.ReadFile(r.path(name))
	return string(text)
}

// serves sets what answers requests for an archive, nil for the archive itself.
func (r *runner) serves(f func(w http.ResponseWriter, request *http.Request, n int, archive []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serve = f
}

// asked returns the paths of the requests so far.
func (r *runner) asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// forget forgets the requests so far.
func (r *runner) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// answer serves the archives of all versions that are asked for.
func (r *runner) answer(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, request.URL.Path)
	n, serve := len(r.requests), r.serve
	r.mu.Unlock()
	parts := strings.Split(request.URL.Path, "/") // /mirror/v1.2.3/slipway_1.2.3_linux_amd64.tar.gz
	name, ext, _ := strings.Cut(strings.TrimPrefix(parts[3], "slipway_"+strings.TrimPrefix(parts[2], "v")+"_"), ".")
	archive := pack(r.t, ext, releasedProgram(parts[2], strings.ReplaceAll(name, "_", "/")))
	if serve != nil {
		serve(w, request, n, archive)
		return
	}
	_, _ = w.Write(archive)
}

// pack returns an archive of a release.
func pack(t *testing.T, ext, program string) []byte {
	var b bytes.Buffer
	var err error
	if ext == "zip" {
		to := zip.NewWriter(&b)
		for _, name := range []string{"LICENSE", "slipway.exe"} {
			file, e := to.Create(name)
			_, e2 := file.Write([]byte(program))
			err = errors.Join(err, e, e2)
		}
		err = errors.Join(err, to.Close())
	} else {
		zipped := gzip.NewWriter(&b)
		to := tar.NewWriter(zipped)
		for _, name := range []string{"LICENSE", "slipway"} {
			e := to.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(program))})
			_, e2 := to.Write([]byte(program))
			err = errors.Join(err, e, e2)
		}
		err = errors.Join(err, to.Close(), zipped.Close())
	}
	if err != nil {
		t.Error(err)
	}
	return b.Bytes()
}

// result is how a step ended.
type result struct {
	code         int
	log, program string
}

// command returns the script as the runner starts it.
func (r *runner) command(args ...string) *exec.Cmd {
	r.t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		r.t.Skip("bash is not here")
	}
	c := exec.CommandContext(r.t.Context(), bash, append([]string{"--noprofile", "--norc", filepath.Join(r.root, "action", "install.sh")}, args...)...)
	c.Dir = r.dir
	c.Env = append([]string{
		"PATH=" + r.path("bin"), "HOME=" + r.dir, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "RUNNER_TEMP=" + r.path("temp"), "RUNNER_TOOL_CACHE=" + r.path("tools"),
		"SLIPWAY_DOWNLOAD_URL=" + r.url, "GITHUB_OUTPUT=" + r.path("temp/output"),
	}, r.env...)
	return c
}

// sources returns the digest of the sources of the checkout.
func (r *runner) sources() string {
	r.t.Helper()
	out, err := r.command("sources", r.root).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// install runs the step with the input version and more variables, each NAME=VALUE.
func (r *runner) install(version string, env ...string) (got result) {
	r.t.Helper()
	r.remove("temp/output")
	r.remove("temp/slept")
	c := r.command()
	c.Env = append(append(c.Env, "VERSION="+version), env...)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got.code = exit.ExitCode()
	case err != nil:
		r.t.Fatal(err)
	}
	got.log = string(out)
	got.program = strings.TrimSuffix(strings.TrimPrefix(r.read("temp/output"), "program="), "\n")
	return got
}

// installed checks that a step found the program of a version for a platform at a path.
func (r *runner) installed(got result, version, platform, at string) {
	r.t.Helper()
	text, err := os.ReadFile(got.program)
	if got.code != 0 || err != nil || string(text) != releasedProgram(version, platform) || got.program != r.path(at) {
		r.t.Errorf("code %d, program %q (%v), want %s\n%s", got.code, got.program, err, r.path(at), got.log)
	}
	r.clean()
}

// refused checks that a step ended with one error that has all parts, and found no program.
func (r *runner) refused(got result, code int, parts ...string) {
	r.t.Helper()
	if got.code != code || got.program != "" || strings.Count("\n"+got.log, "\n::") != 1 {
		r.t.Errorf("code %d instead of %d, program %q\n%s", got.code, code, got.program, got.log)
	}
	_, message, _ := strings.Cut(got.log, "::error title=slipway::")
	for _, part := range parts {
		if !strings.Contains(message, part) {
			r.t.Errorf("the error does not say %q:\n%s", part, got.log)
		}
	}
	r.clean()
}

// clean checks that no download is left behind.
func (r *runner) clean() {
	r.t.Helper()
	for _, pattern := range []string{"tools/slipway/*/*/.download-*", "temp/slipway/*/*/.download-*"} {
		if left, _ := filepath.Glob(r.path(pattern)); len(left) > 0 {
			r.t.Errorf("%v is left behind", left)
		}
	}
}
