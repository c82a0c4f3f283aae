package devtools

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// digests writes the digests of v1.2.3-rc.1 in the working directory, commits and tags them.
// Before, the release is refused.
func digests(t *testing.T, platform string) {
	t.Helper()
	say(t, "git", "tag", "v1.2.3-rc.1")
	if err := MakeRelease(t.Context(), Options{Log: t.Output()}, Release{Platform: platform}); err == nil || !strings.Contains(err.Error(), "go run mage.go digests v1.2.3-rc.1") {
		t.Errorf("a release without digests: %v", err)
	}
	if err := WriteDigests(t.Context(), Options{Log: t.Output()}, "v1.2.3-rc.1", platform); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "Release v1.2.3-rc.1"},
		{"tag", "-f", "v1.2.3-rc.1"},
	} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// TestDigestsRefuses refuses what is not a version, and a tree with changes.
func TestDigestsRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, version := range []string{"1.2.3", "v1", "latest", "v1.2.3+dirty", "../.."} {
		if err := WriteDigests(t.Context(), Options{Log: t.Output()}, version); err == nil || !strings.Contains(err.Error(), "is not a version") {
			t.Errorf("%s: %v", version, err)
		}
	}
	say(t, "git", "init", "-q")
	if err := os.WriteFile("new.go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteDigests(t.Context(), Options{Log: t.Output()}, "v1.2.3"); err == nil || !strings.Contains(err.Error(), "?? new.go") {
		t.Error(err)
	}
}

// TestDocumentedBuild compares the command of docs/releases.md that builds a release with
// goreleaser.yaml.
func TestDocumentedBuild(t *testing.T) {
	root := testenv.Root(t)
	build, err := readBuild(filepath.Join(root, "goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	args := build.args("v1.2.3")
	last := len(args) - 1
	command := strings.Join(build.Env, " ") + " go " + strings.Join(args[:last], " ") + ` \` + "\n      " +
		strings.Replace(args[last], "-ldflags=", `-ldflags="`, 1) + `" -o slipway ` + build.Main
	if !strings.Contains(read(t, filepath.Join(root, "docs", "releases.md")), command+"\n") {
		t.Errorf("docs/releases.md does not have the command\n%s", command)
	}
	if got := strings.Join(build.platforms(), " "); got != "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64" {
		t.Error(got)
	}
}

// runAction runs the action of a checkout at its release two times in a workflow. The first
// time it downloads the archive of dist from a server, and the second time it has it.
func runAction(t *testing.T, checkout, dist string) {
	t.Helper()
	act := testenv.Act(t)
	dir := t.TempDir()
	action := filepath.Join(dir, "action")
	say(t, "git", "clone", "--quiet", checkout, action)
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.ServeFile(w, r, filepath.Join(dist, filepath.Base(r.URL.Path)))
	}))
	defer server.Close()
	repo := filepath.Join(dir, "repo")
	const workflow = `on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: slipway-ci/slipway@v1
        with: {target: version}
      - uses: slipway-ci/slipway@v1
        with: {target: version, version: 1.2.3-rc.1}
`
	file := filepath.Join(repo, ".github", "workflows", "version.yml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(workflow), 0o600); err != nil {
		t.Fatal(err)
	}
	say(t, "git", "init", "-q", repo)
	say(t, "git", "-C", repo, "add", "-A")
	say(t, "git", "-C", repo, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "test")
	command := exec.CommandContext(t.Context(), act, "push", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server",
		"--local-repository", "slipway-ci/slipway@v1="+action, "--env", "SLIPWAY_DOWNLOAD_URL="+server.URL)
	command.Dir, command.Env = repo, append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	out, err := command.CombinedOutput()
	text := string(out)
	if err != nil || requests != 1 || strings.Contains(text, "compiling slipway") {
		t.Errorf("act: %v, with %d requests", err, requests)
	}
	for pattern, want := range map[string]int{`slipway: downloading http://127\.0\.0\.1`: 1, `slipway: using v1\.2\.3-rc\.1 of `: 1, `\| slipway v1\.2\.3-rc\.1\b`: 2} {
		if n := len(regexp.MustCompile(pattern).FindAllString(text, -1)); n != want {
			t.Errorf("the workflow says %s %d times, not %d", pattern, n, want)
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprint(text))
	}
}
