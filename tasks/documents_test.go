package tasks

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// yamlBlock is a block of YAML in a document.
type yamlBlock struct {
	file string
	line int
	text string
}

func yamlBlocks(t *testing.T, file string) []yamlBlock {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []yamlBlock
	var open *yamlBlock
	for n, line := range strings.Split(string(text), "\n") {
		switch {
		case open == nil && strings.HasPrefix(line, "```yaml"):
			open = &yamlBlock{file: filepath.Base(file), line: n + 1}
		case open != nil && strings.HasPrefix(line, "```"):
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return blocks
}

// world creates a repository with all files that the slipway.yaml files of the documents
// name. transport sends requests for all registries to one registry in memory.
func world(t *testing.T) (dir string, transport http.RoundTripper) {
	t.Helper()
	dir = t.TempDir()
	lock := "six==1.17.0 ; sys_platform == 'win32' --hash=sha256:" + strings.Repeat("0", 64) + "\n"
	component := "version: 1.1\nkind: component\ninputs:\n- {name: DOCKER_IMAGE, type: str}\n- {name: EPOCHS, type: int, isOptional: true, value: 1}\n" +
		"run:\n  kind: job\n  container: {image: \"{{ DOCKER_IMAGE }}\", args: [\"{{ EPOCHS }}\"]}\n"
	for _, program := range []string{"train.py", "main.py", "tracked.py", "printed.py", "written.py"} {
		if err := os.WriteFile(filepath.Join(dir, program), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string]string{
		"requirements.lock.txt": lock, "src/train.py": "print(1)\n", "conf/params.json": "{}", "go.mod": "module example.com/m\n\ngo 1.24\n",
		"cmd/train/main.go": "package main\n\nfunc main() {}\n", "polyaxon/process-data.yml": component, "polyaxon/train.yml": component,
		"polyaxon/spot.yml": "version: 1.1\nkind: operation\nisPreset: true\nrunPatch:\n  environment:\n    nodeSelector: {spot: \"true\"}\n",
		"pyproject.toml":    "[project]\nname = \"m\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n",
		"uv.lock":           "version = 1\nrevision = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"m\"\nversion = \"1\"\nsource = { virtual = \".\" }\n",
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	repository := &debiantest.Repository{Key: debiantest.NewKey(t), At: time.Now(), Until: time.Now().AddDate(0, 0, 7)}
	var debs []debiantest.Deb
	for _, name := range []string{"libgl1", "libgomp1", "ffmpeg"} {
		debs = append(debs, debiantest.Deb{Name: name, Version: "1", Architecture: "all", Files: map[string]string{"usr/share/" + name: name}})
	}
	for _, name := range []string{"base-files", "ca-certificates", "libstdc++6", "netbase", "tzdata"} {
		debs = append(debs, debiantest.Deb{Name: name, Version: "1", Architecture: "all", Fields: map[string]string{"Essential": "yes"}})
	}
	debs = append(debs, debiantest.Deb{Name: "python3", Version: "3.11", Files: map[string]string{"usr/bin/python3": "->python3.11", "usr/bin/python3.11": "#!", "usr/lib/python3.11/encodings/a": ""}})
	repository.Publish(t, debs...)
	repositoryAt := repository.Serve(t)
	apt := debiantest.Tar(t, repository.Base(t, repositoryAt))
	for file, text := range map[string]string{"debian.sources": documentedSources(t, repositoryAt), "debian-archive-keyring.gpg": string(repository.Key.Keyring(t))} {
		if err := os.MkdirAll(filepath.Join(dir, "apt"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "apt", file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(registrytest.InMemory())
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []struct{ name, prefix, version, variable string }{
		{"library/python:3.12-slim", "usr/local", "3.12", "PYTHON_VERSION=3.12.4"}, {"acme/debian-python:latest", "usr", "3.11", "LANG=C.UTF-8"},
	} {
		reference, err := name.ParseReference(at.Host+"/"+base.name, name.Insecure)
		if err == nil {
			err = remote.WriteIndex(reference, pythonIndex(t, base.prefix, base.version, base.variable, apt))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, singleHostTransport{at}
}

// documentedSources returns the apt sources that images.md shows, for a repository of another release.
func documentedSources(t *testing.T, address string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "images.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```\nTypes: deb\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatal("images.md shows no apt sources")
	}
	return "Types: deb\n" + strings.NewReplacer("https://mirror.example.com/debian", address, "bookworm bookworm-updates", "stable").Replace(text)
}

// singleHostTransport is a transport that sends requests for all hosts to one host.
type singleHostTransport struct{ at *url.URL }

func (e singleHostTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = e.at.Scheme, e.at.Host
	return http.DefaultTransport.RoundTrip(r)
}

// pythonIndex returns a base image with an interpreter and with an environment variable that
// may name its version. below are the layers below it.
func pythonIndex(t *testing.T, prefix, version, variable string, below ...[]byte) v1.ImageIndex {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: prefix + "/lib/python" + version + "/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: prefix + "/bin/python" + version, Typeflag: tar.TypeReg, Mode: 0o755},
		{Name: prefix + "/bin/python3", Typeflag: tar.TypeSymlink, Linkname: "python" + version, Mode: 0o777},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var layers []v1.Layer
	for _, text := range append(below, b.Bytes()) {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, layer)
	}
	var index v1.ImageIndex = empty.Index
	for _, architecture := range []string{"amd64", "arm64"} {
		made, err := mutate.AppendLayers(empty.Image, layers...)
		if err == nil {
			made, err = mutate.ConfigFile(made, &v1.ConfigFile{OS: "linux", Architecture: architecture, Config: v1.Config{Env: []string{variable}}, RootFS: configRoot(t, made)})
		}
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: made, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	return index
}

func configRoot(t *testing.T, i v1.Image) v1.RootFS {
	t.Helper()
	config, err := i.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.RootFS
}

// TestDocumentsAreTrue loads each slipway.yaml that a document shows, checks its jobs, and
// builds its images.
func TestDocumentsAreTrue(t *testing.T) {
	t.Parallel()
	root := testenv.Root(t)
	dir, transport := world(t)
	if err := os.MkdirAll(filepath.Join(dir, ".slipway", "cache", "image"), 0o755); err != nil {
		t.Fatal(err)
	}
	for at, text := range slipwayFiles(t, root) {
		t.Run(at, func(t *testing.T) {
			if slices.Contains(wholePages, at) {
				writePolyaxonfiles(t, filepath.Join(root, "docs", at), dir)
			}
			file := strings.ReplaceAll(at, ":", "-") + ".yaml"
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			env := &Env{Dir: dir, File: file, Events: report.Discard{}, Environ: os.Environ(), Now: time.Now, Transport: transport,
				Lookup: func(name string) (string, bool) { return "value-of-" + name, true }}
			p, err := env.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if waves, err := p.Config.JobOrder(); err == nil {
				if err := checker.Jobs(t.Context(), p, slices.Concat(waves...)); err != nil {
					t.Error(err)
				}
			}
			buildDocumented(t, p, transport)
		})
	}
}

func buildDocumented(t *testing.T, p *project.Project, transport http.RoundTripper) {
	t.Helper()
	prefix := p.Config.Registry
	if prefix == "" {
		prefix = "registry.example/acme"
	}
	to := &platform.Platform{Project: p, Registry: &registry.Client{Prefix: prefix, Transport: transport}, Target: v1.Platform{OS: "linux", Architecture: "amd64"}}
	var images []*config.Image
	for _, name := range keys(p.Config.Images) {
		i := p.Config.Images[name]
		if i.Dockerfile != "" { // needs a BuildKit
			continue
		}
		if i.Python != nil && i.Python.Requirements == "uv.lock" && testing.Short() { // needs uv
			continue
		}
		if i.Python != nil {
			if base, ok := strings.CutPrefix(i.Python.Base, "slipway://"); ok && p.Config.Images[base].NeedsBuildKit() {
				continue
			}
		}
		images = append(images, i)
	}
	pushed, err := build.Push(t.Context(), to, images)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		if pushed[i.Name] == nil {
			t.Errorf("%s is not pushed", i.Name)
		}
	}
}

// TestDocumentsAreYAML parses all other blocks of YAML. Those of lints.md are generated from
// the linter's examples. Some of them are not valid YAML, and all are tested with the
// linter.
func TestDocumentsAreYAML(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "lints.md" {
			continue
		}
		for _, b := range yamlBlocks(t, file) {
			decoder := yaml.NewDecoder(strings.NewReader(b.text))
			for {
				var value any
				err := decoder.Decode(&value)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Errorf("%s:%d: %v", b.file, b.line, err)
					break
				}
			}
		}
	}
}
