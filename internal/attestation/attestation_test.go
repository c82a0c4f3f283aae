package attestation

import (
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

func known() Image {
	return Image{
		Repository: "gcr.io/acme/train", Digest: "sha256:" + strings.Repeat("1", 64), Kind: "python", Platform: "linux/amd64", Inputs: "abc",
		Base: "index.docker.io/library/python@sha256:" + strings.Repeat("2", 64),
		Packages: []Package{
			{Ecosystem: PyPI, Name: "numpy", Version: "2.2.6", License: "BSD-3-Clause AND (MIT OR Zlib)", SHA256: strings.Repeat("3", 64)},
			{Ecosystem: PyPI, Name: "odd", Version: "1", License: "see the file LICENSE"},
			{Ecosystem: PyPI, Name: "torch", Version: "2.9.0+cu128", License: "BSD"},
			{Ecosystem: Golang, Name: "example.com/x", Version: "v1.0.0"},
			{Ecosystem: Golang, Name: "example.com/program"},
		},
		Source: "https://git.example.com/team/repo", Revision: strings.Repeat("a", 40), Created: time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600)),
		Builder: "https://github.com/acme/repo/.github/workflows/deploy.yml@refs/heads/main", Version: "v1.2.3", Invocation: "https://github.com/acme/repo/actions/runs/7",
		Parameters: map[string]any{"workdir": "/app"},
	}
}

// index returns an image for two platforms.
func index() Image {
	i := known()
	i.Platform, i.Packages = "", nil
	i.Variants = []Variant{{"linux/amd64", "sha256:" + strings.Repeat("4", 64)}, {"linux/arm64", "sha256:" + strings.Repeat("5", 64)}}
	return i
}

// built returns an image that BuildKit has made.
func built() Image {
	i := known()
	i.Kind, i.Base, i.Packages = "dockerfile", "", nil
	i.Sources = []string{"docker.io/library/golang@sha256:" + strings.Repeat("6", 64), "docker.io/library/python@sha256:" + strings.Repeat("7", 64)}
	i.Dockerfile = &File{Path: "docker/api.Dockerfile", Text: []byte("FROM scratch\n")}
	return i
}

// program returns a program with two modules.
func program() Program {
	return Program{
		Name: "slipway", Version: "v1.2.3", Platform: "linux/amd64", SHA256: strings.Repeat("9", 64), License: "Apache-2.0",
		Modules: Modules(&debug.BuildInfo{
			GoVersion: "go1.26.8", Main: debug.Module{Path: "github.com/slipway-ci/slipway", Version: "v1.2.3"},
			Deps: []*debug.Module{
				{Path: "example.com/Under_score/v2", Version: "v2.0.0+incompatible"},
				{Path: "example.com/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/new", Version: "v1.1.0"}},
			},
		}),
		Created: known().Created,
	}
}

// release returns a release of two files.
func release() Release {
	return Release{
		Files:  []Digest{{"slipway_1.2.3_linux_amd64.tar.gz", strings.Repeat("a", 64)}, {"slipway_ci-1.2.3-py3-none-win_amd64.whl", strings.Repeat("b", 64)}},
		Source: "https://github.com/slipway-ci/slipway", Tag: "v1.2.3", Revision: strings.Repeat("c", 40), Go: "1.26.8",
		Builder: "https://github.com/slipway-ci/slipway/.github/workflows/release.yml@refs/tags/v1.2.3", Invocation: "https://github.com/slipway-ci/slipway/actions/runs/7",
	}
}

func TestDocuments(t *testing.T) {
	for name, document := range map[string]struct {
		write func(Image) ([]byte, error)
		about Image
	}{
		"sbom.json": {SBOM, known()}, "provenance.json": {Provenance, known()},
		"index-sbom.json": {SBOM, index()}, "index-provenance.json": {Provenance, index()},
		"dockerfile-sbom.json": {SBOM, built()}, "dockerfile-provenance.json": {Provenance, built()},
	} {
		got, err := document.write(document.about)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
	sbom, err := ProgramSBOM(program())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "program-sbom.json", sbom)
	provenance, err := ReleaseProvenance(release())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "release-provenance.json", provenance)
}

// golden compares a document with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

// Every element that a relationship names exists, and every package has the fields that
// SPDX 2.3 requires.
func TestSBOMIsComplete(t *testing.T) {
	for what, i := range map[string]Image{"full": known(), "index": index(), "dockerfile": built(), "scratch": {Repository: "r/x", Digest: "sha256:00"}} {
		text, err := SBOM(i)
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Packages      []map[string]any
			Files         []struct{ SPDXID string }
			Relationships []struct{ SpdxElementID, RelatedSpdxElement string }
			CreationInfo  struct{ Created time.Time }
		}
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{"SPDXRef-DOCUMENT": true}
		for _, p := range document.Packages {
			for _, key := range []string{"SPDXID", "name", "downloadLocation", "licenseDeclared"} {
				if text, _ := p[key].(string); text == "" {
					t.Errorf("%s: a package has no %s: %v", what, key, p)
				}
			}
			id, _ := p["SPDXID"].(string)
			ids[id] = true
		}
		for _, f := range document.Files {
			ids[f.SPDXID] = true
		}
		if len(document.Relationships) != len(document.Packages)+len(document.Files) {
			t.Errorf("%s: %d relationships of %d packages", what, len(document.Relationships), len(document.Packages))
		}
		for _, r := range document.Relationships {
			if !ids[r.SpdxElementID] || !ids[r.RelatedSpdxElement] {
				t.Errorf("%s: %+v names what is not there", what, r)
			}
		}
		if time.Since(document.CreationInfo.Created) < time.Hour {
			t.Errorf("%s: the clock is in it: %s", what, document.CreationInfo.Created)
		}
	}
}

// For each kind of image, the documents pass the validators of SPDX and in-toto.
func TestDocumentsAreValid(t *testing.T) {
	golang, files, plain := known(), known(), Image{Repository: "127.0.0.1:5000/team/plain", Digest: "sha256:" + strings.Repeat("8", 64), Kind: "files", Inputs: "abc", Builder: "https://example.com", Version: "dev"}
	golang.Kind, golang.Packages = "go", golang.Packages[3:]
	files.Kind, files.Packages = "files", nil
	dir := t.TempDir()
	var paths []string
	for name, i := range map[string]Image{"python": known(), "go": golang, "files": files, "plain": plain, "index": index(), "dockerfile": built()} {
		for kind, write := range map[string]func(Image) ([]byte, error){"sbom.spdx.json": SBOM, "provenance.json": Provenance} {
			text, err := write(i)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name+"-"+kind)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	sbom, provenance := filepath.Join("testdata", "program-sbom.json"), filepath.Join("testdata", "release-provenance.json")
	paths = append(paths, sbom, provenance) // TestDocuments compares them
	testenv.Attestations(t, filepath.Join("testdata", "validate.py"), paths...)
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]bool{
		"MIT": true, "BSD-3-Clause AND (MIT OR Zlib)": true, "GPL-2.0-only WITH Classpath-exception-2.0": true, "GPL-2.0+": true,
		"": false, "MIT License": false, "MIT AND": false, "see LICENSE": false, "OR MIT": false, "BSD (3-clause)": false, "MIT/X": false, "BSD": false, "LicenseRef-mine": false, "(MIT": false, "MIT) OR (Zlib": false,
	} {
		if got := isExpression(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// A Go program names the modules it was linked from, including its own.
func TestModules(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, m := range Modules(info) {
		have[m.Name] = m.Version
	}
	if version, ok := have["github.com/slipway-ci/slipway"]; !ok || version == "(devel)" || have["stdlib"] == "" {
		t.Errorf("%v", have)
	}
}

// TestBaseOnDisk checks that a base that is in no registry is named without one.
func TestBaseOnDisk(t *testing.T) {
	t.Parallel()
	i := known()
	i.Base = "my base.tar@sha256:" + strings.Repeat("2", 64)
	for what, document := range map[string]func(Image) ([]byte, error){"SBOM": SBOM, "provenance": Provenance} {
		text, err := document(i)
		if want := `"pkg:oci/my%20base.tar@sha256%3A` + strings.Repeat("2", 64) + `"`; err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the %s lacks %s: %s, %v", what, want, text, err)
		}
	}
}
