package tasks

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-ci/slipway/internal/attestation"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestDockerfilesOfDocuments builds the images of kind dockerfile as docs/images.md shows
// them, and one image of each other kind. It validates the documents that are attached to
// all of them.
func TestDockerfilesOfDocuments(t *testing.T) {
	var yaml string
	for _, b := range yamlBlocks(t, filepath.Join(testenv.Root(t), "docs", "images.md")) {
		if strings.Contains(b.text, "dockerfile:") && !strings.Contains(b.text, "slipway://") {
			yaml += b.text
		}
	}
	if strings.Count(yaml, "dockerfile:") != 1 {
		t.Fatalf("the test is for one, and there are\n%s", yaml)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	builder, host := testenv.BuildKit(t), testenv.Registry(t)
	testenv.Programs(t, host+"/tools:1", "git")
	lock := "six==1.17.0 ; sys_platform == 'win32' --hash=sha256:" + strings.Repeat("0", 64) + "\n"
	env, said, _ := laptopWith(t, map[string]string{
		"slipway.yaml": "project: p\nregistry: " + host + "/acme\n" + yaml + "  prog: {go: {main: ./cmd/prog}}\n  plain: {files: [src]}\n  py: {python: {base: '" + host + "/python:1', requirements: lock.txt}, files: [src]}\n",
		"docker/api.Dockerfile": "FROM --platform=linux/amd64 " + host + "/tools:1 AS check\nWORKDIR /out\n" +
			"RUN --mount=type=secret,id=netrc --mount=type=ssh --mount=type=bind,source=.git,target=/src/.git test -s /run/secrets/netrc && test -n \"$SSH_AUTH_SOCK\" && git -C /src rev-parse HEAD > commit\n" +
			"FROM scratch AS serve\nARG MODEL\nCOPY --from=check /out /\nCOPY src /${MODEL}\n",
		"src/a.py": "print(1)\n", "lock.txt": lock, "go.mod": "module example.com/prog\n\ngo 1.24\n", "cmd/prog/main.go": "package main\n\nfunc main() {}\n", ".gitignore": ".slipway\n",
	})
	base, err := name.ParseReference(host+"/python:1", name.Insecure)
	if err == nil {
		err = remote.WriteIndex(base, pythonIndex(t, "usr/local", "3.12", "PYTHON_VERSION=3.12.4"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var commit string
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "one"}, {"rev-parse", "HEAD"}} {
		out, err := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		commit = string(out)
	}
	env.Environ = append(os.Environ(), "BUILDKIT_HOST="+builder, "SSH_AUTH_SOCK="+emptyAgent(t))
	env.Lookup = func(name string) (string, bool) {
		value, ok := map[string]string{"MODEL": "models", "NETRC": "canary-of-the-netrc"}[name]
		return value, ok
	}
	result, err := Build(t.Context(), env, BuildOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	dir, documents := t.TempDir(), []string{}
	for _, i := range result.Images {
		documents = append(documents, attached(t, i.Reference, filepath.Join(dir, i.Name))...)
	}
	if len(documents) < 2*(len(result.Images)+2) || len(result.Images) != 4 { // an index also has the documents of its images
		t.Errorf("%d images have %v", len(result.Images), documents)
	}
	t.Chdir(here)
	testenv.Attestations(t, filepath.Join(testenv.Root(t), "internal", "attestation", "testdata", "validate.py"), documents...)
	for _, file := range documents {
		text, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(text), "canary") {
			t.Errorf("%s: %v: %s", file, err, text)
		}
		if strings.Contains(file, "prog") && strings.HasSuffix(file, "sbom.spdx.json") && !strings.Contains(string(text), "pkg:golang/example.com/prog") {
			t.Errorf("the program's own module is not in %s", text)
		}
	}
	api, err := name.ParseReference(result.Images[0].Reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	for _, architecture := range []string{"amd64", "arm64"} {
		image, err := remote.Image(api, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
		if err != nil {
			t.Fatal(err)
		}
		files := testenv.Contents(t, image)
		if files["commit"] != commit || files["models/a.py"] == "" {
			t.Errorf("%s has %v", architecture, files)
		}
	}
}

// emptyAgent starts an SSH agent that has no key.
func emptyAgent(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ssh") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() { // the agent has no key, and is never asked for one
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(agent.NewKeyring(), connection) }()
		}
	}()
	return listener.Addr().String()
}

// attached writes the documents that are attached to an image, and to the images of an
// index, to files. The file names say what the documents are.
func attached(t *testing.T, reference, prefix string) []string {
	t.Helper()
	at, err := name.NewDigest(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	there, err := remote.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	if there.MediaType.IsIndex() {
		index, err := there.ImageIndex()
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range manifest.Manifests {
			files = append(files, attached(t, at.Context().Digest(one.Digest.String()).String(), prefix+"-"+one.Digest.Hex[:6])...)
		}
	}
	referrers, err := remote.Referrers(at)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range manifest.Manifests {
		image, err := remote.Image(at.Context().Digest(one.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatal(layers, err)
		}
		body, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := layers[0].MediaType()
		if err != nil {
			t.Fatal(err)
		}
		file := prefix + "-provenance.json"
		if string(kind) == attestation.TypeSBOM {
			file = prefix + "-sbom.spdx.json"
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
