//go:build unix

package actions_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestInstall downloads the program for each platform, by the names that GitHub's runners give
// them and by those that uname prints. The second time nothing is downloaded.
func TestInstall(t *testing.T) {
	for _, test := range []struct{ system, machine, uname, platform, file, at string }{
		{"Linux", "X64", "Linux", "linux/amd64", "slipway_1.2.3_linux_amd64.tar.gz", "x64/slipway"},
		{"Linux", "ARM64", "Linux", "linux/arm64", "slipway_1.2.3_linux_arm64.tar.gz", "arm64/slipway"},
		{"macOS", "X64", "Darwin", "darwin/amd64", "slipway_1.2.3_darwin_amd64.tar.gz", "x64/slipway"},
		{"macOS", "ARM64", "Darwin", "darwin/arm64", "slipway_1.2.3_darwin_arm64.tar.gz", "arm64/slipway"},
		{"Windows", "X64", "MINGW64_NT-10.0-20348", "windows/amd64", "slipway_1.2.3_windows_amd64.zip", "x64/slipway.exe"},
		{"", "x86_64", "Linux", "linux/amd64", "slipway_1.2.3_linux_amd64.tar.gz", "x64/slipway"},
		{"", "aarch64", "Linux", "linux/arm64", "slipway_1.2.3_linux_arm64.tar.gz", "arm64/slipway"},
		{"", "arm64", "Darwin", "darwin/arm64", "slipway_1.2.3_darwin_arm64.tar.gz", "arm64/slipway"},
		{"", "x86_64", "MINGW64_NT-10.0-20348", "windows/amd64", "slipway_1.2.3_windows_amd64.zip", "x64/slipway.exe"},
		{"", "x86_64", "MSYS_NT-10.0-20348", "windows/amd64", "slipway_1.2.3_windows_amd64.zip", "x64/slipway.exe"},
	} {
		t.Run(test.system+test.uname+test.machine, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t)
			r.env = []string{"RUNNER_OS=" + test.system, "UNAME_S=" + test.uname}
			if test.system == "" {
				r.env = append(r.env, "RUNNER_ARCH=", "UNAME_M="+test.machine)
			} else {
				r.env = append(r.env, "RUNNER_ARCH="+test.machine)
			}
			if strings.HasPrefix(test.platform, "windows") {
				r.env = append(r.env, "RUNNER_TOOL_CACHE="+strings.ReplaceAll(r.path("tools"), "/", `\`))
			}
			for range 2 {
				got := r.install("")
				r.installed(got, "v1.2.3", test.platform, "tools/slipway/1.2.3/"+test.at)
			}
			if want := []string{"/mirror/v1.2.3/" + test.file}; fmt.Sprint(r.asked()) != fmt.Sprint(want) {
				t.Errorf("requests: %v, want %v", r.asked(), want)
			}
			node, _, _ := strings.Cut(test.at, "/")
			if _, err := os.Stat(r.path("tools/slipway/1.2.3/" + node + ".complete")); err != nil {
				t.Error(err)
			}
			if info, err := os.Stat(r.path("tools/slipway/1.2.3/" + test.at)); err != nil || info.Mode().Perm() != 0o755 {
				t.Error(info, err)
			}
		})
	}
}

// TestShellcheck has shellcheck find nothing in the script.
func TestShellcheck(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command(testenv.Installer(t, "shellcheck"), filepath.Join(testenv.Root(t), "action", "install.sh")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestInstallWithTarOfWindows unpacks a zip file where there is no unzip.
func TestInstallWithTarOfWindows(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	if _, err := os.Stat(r.path("bin/unzip")); err != nil {
		t.Skip("unzip, which stands for the tar of Windows, is not here")
	}
	r.script("windows/System32/tar.exe", `[ "$1" = -xOf ] && exec "${0%/*}/unzip" -p "$2" "$3"`)
	if err := os.Rename(r.path("bin/unzip"), r.path("windows/System32/unzip")); err != nil {
		t.Fatal(err)
	}
	got := r.install("", "RUNNER_OS=Windows", "UNAME_S=MINGW64_NT-10.0", "SYSTEMROOT="+r.path("windows"))
	r.installed(got, "v1.2.3", "windows/amd64", "tools/slipway/1.2.3/x64/slipway.exe")
}

// TestInstallRefusesPlatforms names the runners that slipway runs on.
func TestInstallRefusesPlatforms(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	for _, env := range [][]string{{"RUNNER_ARCH=ARM"}, {"RUNNER_ARCH=X86"}, {"RUNNER_OS=", "UNAME_S=FreeBSD"}, {"RUNNER_ARCH=", "UNAME_M=riscv64"}} {
		r.refused(r.install("", env...), 3, "slipway does not run on", "runs-on: ubuntu-latest")
	}
	r.refused(r.install("", "RUNNER_OS=Windows", "RUNNER_ARCH=ARM64", "UNAME_S=MINGW64_NT-10.0"), 3, "slipway v1.2.3 was not released for windows/arm64")
	r.refused(r.install("", "RUNNER_OS=Windows", "UNAME_S=Linux"), 3, "WSL", "Git's bash.exe")
}

// TestInstallVersion takes an older release by its digest, and refuses all that has none.
func TestInstallVersion(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	for _, version := range []string{"v1.2.2", "1.2.2", " v1.2.2 \n"} {
		r.installed(r.install(version), "v1.2.2", "linux/amd64", "tools/slipway/1.2.2/x64/slipway")
	}
	if len(r.asked()) != 1 {
		t.Error(r.asked())
	}
	for _, version := range []string{"v9.9.9", "latest", "v1", "main", "../..", "1.2.3/../..", "*", "v1.2.3/sources", "v1.2.3/linux", "$(touch owned)", "v1.2.3\n::set-output name=x::y", "%0A::warning::x"} {
		r.refused(r.install(version), 2, "the input version is v", "digests only of v1.2.3, v1.2.2;", "uses: slipway-ci/slipway@v1")
	}
	if len(r.asked()) != 1 || r.read("owned") != "" {
		t.Error("a version that is not known was asked for:", r.asked())
	}
	r.write("_actions/slipway/action/digests.txt", "# none\n")
	r.refused(r.install("v1.2.3"), 2, "no digests of any release")
}

// TestInstallFromPath takes the program on PATH if it is that of the release, and never another.
func TestInstallFromPath(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("one/slipway", "#!/bin/sh\necho another slipway\n")
	r.write("two/slipway", releasedProgram("v1.2.3", "linux/amd64"))
	path := "PATH=" + r.path("one") + ":" + r.path("two") + ":" + r.path("bin")
	got := r.install("", path, "SLIPWAY_DOWNLOAD_URL=http://127.0.0.1:1")
	r.installed(got, "v1.2.3", "linux/amd64", "two/slipway")
	if !strings.Contains(got.log, "one/slipway, which is on PATH, is not used") {
		t.Error(got.log)
	}
	r.refused(r.install("v1.2.2", path, "SLIPWAY_DOWNLOAD_URL=http://127.0.0.1:1"), 3, "cannot be downloaded", "curl: (7)", "SLIPWAY_DOWNLOAD_URL", "pip install slipway-ci==1.2.2")
	if slept := r.read("temp/slept"); slept != "4\n9\n16\n" {
		t.Errorf("it waits %q before it tries again", slept)
	}
	r.remove("two")
	r.installed(r.install("", path), "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
}

// TestInstallChecksDigest runs nothing whose digest is another one, wherever it comes from.
func TestInstallChecksDigest(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.serves(func(w http.ResponseWriter, _ *http.Request, _ int, _ []byte) {
		_, _ = w.Write(pack(t, "tar.gz", "#!/bin/sh\necho evil\n"))
	})
	r.refused(r.install(""), 3, "was not run, because its SHA-256 is", "slipway_1.2.3_linux_amd64.tar.gz")
	if _, err := os.Stat(r.path("tools/slipway/1.2.3/x64/slipway")); err == nil {
		t.Error("the program stays in the tool cache")
	}
	for name, archive := range map[string]string{"a page": "<html>sign in</html>", "half": string(pack(t, "tar.gz", releasedProgram("v1.2.3", "linux/amd64"))[:60])} {
		r.serves(func(w http.ResponseWriter, _ *http.Request, _ int, _ []byte) { _, _ = w.Write([]byte(archive)) })
		if got := r.install(""); !strings.Contains(got.log, "nothing of it was run") {
			t.Errorf("%s: %s", name, got.log)
		}
	}
	// One that was changed in the tool cache is replaced, and so is a link that is in its place.
	r.serves(nil)
	const at = "tools/slipway/1.2.3/x64/slipway"
	r.write(at, "#!/bin/sh\necho evil\n")
	got := r.install("")
	r.installed(got, "v1.2.3", "linux/amd64", at)
	if !strings.Contains(got.log, "is not used, because its SHA-256") {
		t.Error(got.log)
	}
	r.remove(at)
	r.write("elsewhere", "kept")
	r.link(r.path("elsewhere"), at)
	r.installed(r.install(""), "v1.2.3", "linux/amd64", at)
	if r.read("elsewhere") != "kept" {
		t.Error("a file outside of the tool cache was written")
	}
	r.remove(at)
	r.write(at+"/directory", "")
	r.refused(r.install(""), 3, "cannot be written")
}

// TestInstallTriesAgain bounds how often, and for how long, a download is tried.
func TestInstallTriesAgain(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	expect := func(requests int, slept string) {
		t.Helper()
		if len(r.asked()) != requests || r.read("temp/slept") != slept {
			t.Errorf("%d requests with waits of %q, want %d and %q", len(r.asked()), r.read("temp/slept"), requests, slept)
		}
		r.forget()
		r.remove("tools")
	}
	r.serves(func(w http.ResponseWriter, _ *http.Request, n int, archive []byte) {
		if n == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write(archive)
	})
	r.installed(r.install(""), "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
	expect(2, "4\n")
	r.serves(func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) {
		w.WriteHeader([]int{429, 408, 503, 500}[n-1])
	})
	r.refused(r.install(""), 3, "HTTP status 500", "/mirror/v1.2.3/slipway_1.2.3_linux_amd64.tar.gz")
	expect(4, "4\n9\n16\n")
	r.serves(func(w http.ResponseWriter, _ *http.Request, _ int, _ []byte) { w.WriteHeader(http.StatusNotFound) })
	r.refused(r.install(""), 3, "HTTP status 404", "/mirror/v1.2.3/slipway_1.2.3_linux_amd64.tar.gz")
	expect(1, "")
	r.serves(func(w http.ResponseWriter, _ *http.Request, _ int, archive []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
		_, _ = w.Write(archive[:50])
	})
	r.refused(r.install(""), 3, "curl: (18)")
	expect(4, "4\n9\n16\n")
	// A server that stalls: the wrapper makes the time of the script's own limit shorter.
	curl := r.path("bin/curl")
	r.script("curl.sh", `for arg; do shift; case $arg in 30) arg=1 ;; esac; set -- "$@" "$arg"; done; exec "`+curl+`" "$@"`)
	r.script("stalled/curl", `exec /bin/sh "`+r.path("curl.sh")+`" "$@"`)
	r.serves(func(w http.ResponseWriter, request *http.Request, n int, archive []byte) {
		if n > 1 {
			_, _ = w.Write(archive)
			return
		}
		_, _ = w.Write(archive[:50])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-request.Context().Done():
		case <-time.After(20 * time.Second):
		}
	})
	start := time.Now()
	r.installed(r.install("", "PATH="+r.path("stalled")+":"+r.path("bin")), "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a stalled download is given up after %s", took)
	}
	expect(2, "4\n")
}

// TestInstallAtOnce has several jobs of one machine install at once.
func TestInstallAtOnce(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	var wait sync.WaitGroup
	results := make([]string, 4)
	for i := range results {
		wait.Go(func() {
			c := r.command()
			c.Env = append(c.Env, "GITHUB_OUTPUT="+r.path(fmt.Sprintf("temp/output%d", i)))
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			results[i] = r.read(fmt.Sprintf("temp/output%d", i))
		})
	}
	wait.Wait()
	for _, program := range results {
		if program != "program="+r.path("tools/slipway/1.2.3/x64/slipway")+"\n" {
			t.Error(program)
		}
	}
	r.installed(r.install(""), "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
}

// TestInstallInStrangePlaces installs without a tool cache, without curl, and with variables that
// change what the programs do.
func TestInstallInStrangePlaces(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("file", "")
	for _, cache := range []string{"", r.path("file/tools"), "/proc/tools"} {
		got := r.install("", "RUNNER_TOOL_CACHE="+cache)
		r.installed(got, "v1.2.3", "linux/amd64", "temp/slipway/1.2.3/x64/slipway")
		if cache == r.path("file/tools") && len(r.asked()) != 1 {
			t.Error("the program is not kept for the next step:", r.asked())
		}
	}
	r.write("real/kept", "")
	r.link(r.path("real"), "linked")
	r.installed(r.install("", "RUNNER_TOOL_CACHE="+r.path("linked"), "TAR_OPTIONS=--to-command=false", "GZIP=-l", "CDPATH=/", "RUNNER_TEMP="+r.path("other")),
		"v1.2.3", "linux/amd64", "linked/slipway/1.2.3/x64/slipway")

	r.remove("temp/slipway")
	got := r.install("", "SLIPWAY_DOWNLOAD_URL="+strings.Replace(r.url, "://", "://user:hunter2@", 1)+"/")
	r.installed(got, "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
	if strings.Contains(got.log, "hunter2") {
		t.Error("a password is in the log:", got.log)
	}
	r.remove("tools")
	r.refused(r.install("", "RUNNER_TEMP="), 3, "no RUNNER_TEMP")
	r.remove("bin/tar")
	r.remove("bin/gzip")
	r.refused(r.install(""), 3, "not on this runner: tar gzip;", "microdnf install -y")
	r.remove("bin/curl")
	for _, name := range []string{"tar", "gzip"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		r.link(path, "bin/"+name)
	}
	r.refused(r.install(""), 3, "curl is not on this runner", "run: pip install slipway-ci==1.2.3")
	for _, name := range []string{"xargs", "find"} { // of findutils
		r.remove("bin/" + name)
		r.refused(r.install(""), 3, "not on this runner: "+map[string]string{"xargs": "xargs;", "find": "find xargs;"}[name])
	}
	r.remove("bin/sha256sum")
	r.remove("bin/shasum")
	r.refused(r.install(""), 3, "neither sha256sum nor shasum")
}

// TestInstallFromSources compiles a ref whose sources are not those of a release, in a Go
// environment of its own. Files that are not compiled make no difference.
func TestInstallFromSources(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("_actions/slipway/internal/a_test.go", "changed")
	r.write("_actions/slipway/internal/testdata/x.go", "changed")
	r.write("_actions/slipway/README.md", "changed")
	r.installed(r.install(""), "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
	r.write("_actions/slipway/polyaxon/a.yml", "changed")
	r.refused(r.install(""), 3, "is not a release", "uses: slipway-ci/slipway@v1", "- uses: actions/setup-go@v6")
	r.script("bin/go", `[ "$1" = env ] && { case $2 in GOHOSTOS) echo linux ;; *) echo amd64 ;; esac; exit; }
echo "go $*" >&2; set | grep ^GO >&2
while [ "$1" != -o ]; do shift; done; echo built >"$2"`)
	r.script("bin/grep", `while read -r line; do case $line in GO*|CGO*) echo "$line" ;; esac; done`)
	got := r.install("", "GOFLAGS=-tags=evil", "GOWORK="+r.path("go.work"), "GOOS=plan9", "GOARCH=386", "GOTOOLCHAIN=local", "GOEXPERIMENT=x", "CGO_ENABLED=1")
	if text := r.read("temp/slipway/sources/slipway"); got.code != 0 || text != "built\n" || got.program != r.path("temp/slipway/sources/slipway") {
		t.Fatal(got)
	}
	for _, want := range []string{"GOFLAGS='-mod=readonly'", "GOWORK='off'", "GOOS='linux'", "GOARCH='amd64'", "GOTOOLCHAIN='auto'"} {
		if !strings.Contains(strings.ReplaceAll(got.log, "'", ""), strings.ReplaceAll(want, "'", "")) {
			t.Errorf("%s is missing:\n%s", want, got.log)
		}
	}
	if strings.Contains(got.log, "GOEXPERIMENT") || !strings.Contains(got.log, "go build -C "+r.root+" -trimpath") {
		t.Error(got.log)
	}
}
