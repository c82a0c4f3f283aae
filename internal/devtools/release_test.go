package devtools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRelease makes the digests of a release, commits and tags them, and makes the release for
// one platform two times, in clones at other places: both have the same bytes. It installs the
// wheel, deploys a project on the sandbox with it, and runs the action with the archive.
func TestRelease(t *testing.T) {
	if !testenv.Thorough() || runtime.GOOS != "linux" {
		t.Skip("links slipway two times, on Linux: only if CI is true")
	}
	testenv.Goreleaser(t)
	source := testenv.Root(t)
	for _, name := range []string{"GITHUB_SERVER_URL", "GITHUB_WORKFLOW_REF", "GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN"} {
		t.Setenv(name, "")
	}
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "the-second")
	registry := testenv.Registry(t)
	t.Setenv("RELEASE_BASE", registry+"/python:3.13")
	pushPythonBase(t, registry+"/python:3.13")
	hashes := map[string]map[string]string{}
	platform := "linux/" + runtime.GOARCH
	for _, dir := range []string{first, second} {
		if dir == first {
			clone(t, source, first)
			t.Chdir(first)
			digests(t, platform)
		} else {
			clone(t, first, second)
			t.Chdir(second)
		}
		r := Release{Platform: platform}
		if dir == second {
			r.Registry = registry + "/slipway-ci"
		}
		if err := MakeRelease(t.Context(), Options{Log: t.Output()}, r); err != nil {
			t.Fatal(err)
		}
		hashes[dir] = published(t)
	}
	for name, hash := range hashes[first] {
		if hashes[second][name] != hash {
			t.Errorf("%s is not reproducible", name)
		}
	}
	if t.Failed() {
		return
	}
	checkFiles(t, hashes[second])
	checkProgram(t, only(t, "dist/slipway_linux_*/slipway"))
	testenv.Attestations(t, filepath.Join(source, "internal", "attestation", "testdata", "validate.py"),
		only(t, "dist/sboms/*.spdx.json"), "dist/provenance.intoto.json")
	checkImage(t, registry+"/slipway-ci/slipway:next", hashes[second])
	runAction(t, first, "dist")
	deployWithWheel(t, only(t, "dist/wheels/*.whl"))

	if err := MakeRelease(t.Context(), Options{Log: t.Output()}, Release{Snapshot: true, Platform: platform}); err != nil {
		t.Errorf("a snapshot: %v", err)
	}
}

// pushPythonBase pushes an image of Debian's Python, which stands for python:3.13.
func pushPythonBase(t *testing.T, reference string) {
	t.Helper()
	layer, err := tarball.LayerFromFile(testenv.PythonBase(t))
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Env = "linux", runtime.GOARCH, []string{"PATH=/usr/bin:/bin"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(reference, name.Insecure)
	if err == nil {
		err = remote.Write(to, image)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkImage checks that the image has the program of the release, and starts it by name.
func checkImage(t *testing.T, reference string, hashes map[string]string) {
	t.Helper()
	from, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(from)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Join(config.Config.Env, "\n")
	if !strings.Contains(path, "PATH=/opt/venv/bin:") || len(config.Config.Cmd) == 0 || config.Config.Cmd[0] != "slipway" {
		t.Errorf("the image starts %v with %s", config.Config.Cmd, path)
	}
	program := testenv.Contents(t, image)["opt/venv/bin/slipway"]
	if want := hashes[relative(t, only(t, "dist/slipway_linux_*/slipway"))]; fmt.Sprintf("%x", sha256.Sum256([]byte(program))) != want {
		t.Errorf("the image has another program, of %d bytes", len(program))
	}
}

// clone clones a repository, and gives the clone the components.
func clone(t *testing.T, source, dir string) {
	t.Helper()
	cache, err := filepath.EvalSymlinks(filepath.Join(source, cacheDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"clone", "--quiet", source, dir},
		{"-C", dir, "remote", "set-url", "origin", "https://github.com/slipway-ci/slipway"},
	} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if err := os.Symlink(cache, filepath.Join(dir, cacheDir)); err != nil {
		t.Fatal(err)
	}
}

// published returns the hashes of the files of a release.
func published(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"dist/*", "dist/*/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			switch filepath.Base(path) {
			case "artifacts.json", "config.yaml", "metadata.json": // goreleaser's own
				continue
			}
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = fmt.Sprintf("%x", sha256.Sum256(text))
		}
	}
	return all
}

// only returns the one file that matches a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// checkFiles checks that the checksums are those of the files, that the provenance has the
// same, and the parts of a release that are texts.
func checkFiles(t *testing.T, hashes map[string]string) {
	t.Helper()
	text := read(t, "dist/checksums.txt")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 4 {
		t.Errorf("checksums.txt has not the archive, the wheel, the SBOM and the provenance:\n%s", text)
	}
	provenance := read(t, "dist/provenance.intoto.json")
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		found := false
		for path, hash := range hashes {
			found = found || filepath.Base(path) == name && hash == sum
		}
		if !found {
			t.Errorf("checksums.txt has %s, which is not the hash of a file", line)
		}
		if name != "provenance.intoto.json" && !strings.Contains(provenance, sum) {
			t.Errorf("the provenance does not have %s", line)
		}
	}
	binary := only(t, "dist/slipway_linux_*/slipway")
	sum := hashes[relative(t, binary)]
	if sbom := read(t, only(t, "dist/sboms/*.spdx.json")); sum == "" || !strings.Contains(sbom, sum) || !strings.Contains(sbom, "pkg:golang/github.com/spf13/cobra@v") {
		t.Error("the SBOM is not of the program")
	}
	if out, err := exec.Command(binary, "version").CombinedOutput(); err != nil || string(out) != "slipway v1.2.3-rc.1\n" {
		t.Errorf("slipway version: %v, %s", err, out)
	}
	if !strings.Contains(read(t, "action/digests.txt"), sum+"  v1.2.3-rc.1/linux/"+runtime.GOARCH+"\n") {
		t.Error("the binary is not that of action/digests.txt")
	}
	notices := say(t, "tar", "-xzOf", only(t, "dist/slipway_*.tar.gz"), "THIRD_PARTY_NOTICES")
	for _, module := range []string{"Go 1.", "github.com/spf13/cobra v", "k8s.io/client-go v", "github.com/moby/buildkit v"} {
		if !strings.Contains(notices, "\n"+module) {
			t.Errorf("the notices do not name %s", module)
		}
	}
	// The notes are what the commits are called.
	if subject := say(t, "git", "log", "-1", "--format=%s"); !strings.Contains(read(t, "dist/CHANGELOG.md"), strings.TrimSpace(subject)) {
		t.Errorf("the notes do not have %q", subject)
	}
	cask := read(t, "dist/homebrew/Casks/slipway.rb")
	if !strings.Contains(cask, `version "1.2.3-rc.1"`) || !strings.Contains(cask, "/releases/download/v") {
		t.Error(cask)
	}
}

func relative(t *testing.T, path string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(here, path)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// say returns what a program prints.
func say(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// deployWithWheel installs the wheel in an empty virtual environment, with pip and with uv,
// and deploys a project on the sandbox.
func deployWithWheel(t *testing.T, wheel string) {
	t.Helper()
	uv := testenv.Installer(t, "uv")
	project := t.TempDir()
	for name, text := range map[string]string{
		"slipway.yaml": "project: wheel\nimages:\n  job: {go: {main: ./job}}\njobs:\n  job: {polyaxonfile: job.yml, image: job}\n",
		"job.yml":      "version: 1.1\nkind: component\nname: job\ninputs:\n- {name: DOCKER_IMAGE, type: str}\nrun:\n  kind: job\n  container: {image: \"{{ DOCKER_IMAGE }}\"}\n",
		"go.mod":       "module job\n\ngo 1.26\n",
		"job/main.go":  "package main\n\nfunc main() { println(\"hello from the job\") }\n",
	} {
		path := filepath.Join(project, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, installer := range []string{"pip", "uv"} {
		venv := filepath.Join(t.TempDir(), "venv")
		say(t, uv, "venv", "--quiet", "--seed", venv)
		if installer == "pip" {
			say(t, filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-index", wheel)
		} else {
			say(t, uv, "pip", "install", "--quiet", "--offline", "--python", venv, wheel)
		}
		program := filepath.Join(venv, "bin", "slipway")
		if got := say(t, program, "version"); got != "slipway v1.2.3-rc.1\n" {
			t.Errorf("%s: slipway version prints %q", installer, got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var log bytes.Buffer
		deploy := exec.CommandContext(ctx, program, "deploy", "-o", "json")
		deploy.Dir, deploy.Stderr = project, io.MultiWriter(&log, t.Output())
		t.Cleanup(func() { _ = exec.Command(program, "-C", project, "sandbox", "stop").Run() })
		out, err := deploy.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", installer, err, log.String())
		}
		if !json.Valid(out) || !regexp.MustCompile(`"status": ?"succeeded"`).Match(out) {
			t.Errorf("%s: %s", installer, out)
		}
	}
}
