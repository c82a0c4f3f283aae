package image

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = source.Position{File: "slipway.yaml", Line: 7, Column: 3}

// files is a tree. A name that ends in * is an executable file, and content that begins
// with -> is the target of a link.
type files map[string]string

func (f files) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, "*") {
			name, mode = strings.TrimSuffix(name, "*"), 0o755
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "->"); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(content), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// many returns a tree of n small files.
func many(n int) files {
	tree := files{}
	for i := range n {
		tree[fmt.Sprintf("src/part%d/file%d.py", i%7, i)] = strings.Repeat(fmt.Sprintf("print(%d)\n", i), 20)
	}
	return tree
}

func filesSpec(dir string, names ...string) Spec {
	return Spec{Name: "train", Dir: dir, Kind: KindFiles, Files: names, Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}, At: at}
}

// Image is an image that was pushed and read back.
type Image struct {
	*Recipe
	V1     v1.Image
	Digest v1.Hash
	Size   int64
	Layers int
}

// build pushes an image and reads it back. If r is nil, it starts a registry.
func build(t *testing.T, s Spec, r *registry.Client) *Image {
	t.Helper()
	if r == nil {
		r = memory(t)
	}
	recipe, err := Prepare(t.Context(), s, r)
	must(t, err)
	pushed, err := Push(t.Context(), r, recipe, nil, nil)
	must(t, err)
	image, err := remote.Image(pushed.Reference, options(t, r)...)
	must(t, err)
	must(t, validate.Image(image))
	digest, err := image.Digest()
	must(t, err)
	return &Image{recipe, image, digest, pushed.BytesTotal, pushed.Layers}
}

// refused returns the error with which an image is refused.
func refused(t *testing.T, s Spec, r *registry.Client) error {
	t.Helper()
	if r == nil {
		r = memory(t)
	}
	recipe, err := Prepare(t.Context(), s, r)
	if err == nil {
		_, err = Plan(t.Context(), r, recipe, nil)
	}
	return err
}

// contents lists an image's files as tar does.
func contents(t *testing.T, image v1.Image) string {
	t.Helper()
	var b strings.Builder
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range layers {
		fmt.Fprintf(&b, "layer %d\n", n+1)
		content, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		archive := tar.NewReader(content)
		for {
			h, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || h.ModTime.Unix() != 0 {
				t.Errorf("%s has an owner or a time: %+v", h.Name, h)
			}
			fmt.Fprintf(&b, "%c %04o %s %q %s\n", h.Typeflag, h.Mode, h.Name, text, h.Linkname)
		}
	}
	return b.String()
}

func TestBuildFilesGolden(t *testing.T) {
	dir := files{
		"src/train.py*": "#!/usr/bin/env python3\nprint('hello')\n", "src/lib/a.py": "a = 1\n", "src/latest.py": "->lib/a.py",
		"conf/params.json": "{\"rate\": 0.1}\n", "README.md": "not asked for\n", "src/ünïcode.txt": "ü\n", "src/empty": "",
	}.write(t)
	spec := filesSpec(dir, "src/", "./conf/params.json")
	spec.Workdir, spec.User, spec.Env = "/work/", "1000:1000", map[string]string{"B": "2", "A": "1"}
	spec.Entrypoint, spec.Command = []string{"python3", "src/train.py"}, []string{"--fast"}
	spec.Source = "https://example.com/repo"
	made := build(t, spec, nil)
	if err := validate.Image(made.V1); err != nil {
		t.Error(err)
	}
	config, err := made.V1.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := made.V1.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s\ninputs %s\ndigest %s\n%s\n%s\n", contents(t, made.V1), made.Inputs, made.Digest, config, manifest)
	golden := filepath.Join("testdata", "files.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the same inputs give another image than before; if they are meant to, raise kindVersion and run with -update:\n%s", diff)
	}
}

// The digest depends on the content of the tree only, and not on its location, the times,
// owners and permissions of files, their order, or earlier builds.
func TestBuildIsReproducible(t *testing.T) {
	tree := many(100)
	one, other := tree.write(t), tree.write(t)
	err := filepath.WalkDir(other, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if os.Geteuid() == 0 { // as in the clone of another user, who has another umask
			err = os.Lchown(name, 4711, 815)
		}
		return errors.Join(err, os.Chtimes(name, time.Unix(1, 0), time.Unix(2, 0)), os.Chmod(name, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	first := build(t, filesSpec(one, "src"), nil)
	for what, again := range map[string]*Image{
		"warm":            build(t, filesSpec(one, "src"), nil),
		"other directory": build(t, filesSpec(other, "src/part6", "src/part0", "src", "src/part0/file0.py"), nil),
	} {
		if again.Digest != first.Digest || again.Inputs != first.Inputs {
			t.Errorf("%s: %s, inputs %s; was %s, inputs %s", what, again.Digest, again.Inputs, first.Digest, first.Inputs)
		}
	}
}

func TestChangedFileMovesItsBucketOnly(t *testing.T) {
	tree := many(100)
	for i := range 20 { // enough for several buckets
		tree[fmt.Sprintf("src/data%d.bin", i)] = strings.Repeat(fmt.Sprint(i), 1<<20)
	}
	tree["src/model.bin"] = strings.Repeat("m", largeFile)
	before := build(t, filesSpec(tree.write(t), "src"), nil)
	tree["src/part3/file3.py"] = "print('new')\n"
	after := build(t, filesSpec(tree.write(t), "src"), nil)
	if before.Inputs == after.Inputs || before.Digest == after.Digest {
		t.Error("a changed file does not change the image's identity")
	}
	if before.Layers != 1+8 { // 30 MB in buckets of 4 MB, and the model
		t.Fatalf("the files are in %d layers; want 9", before.Layers)
	}
	old := map[v1.Hash]bool{}
	for _, d := range layerDigests(t, before) {
		old[d] = true
	}
	moved := 0
	for _, d := range layerDigests(t, after) {
		if !old[d] {
			moved++
		}
	}
	if moved != 1 {
		t.Errorf("%d layers changed; want 1", moved)
	}
}

// Everything in a manifest is an input: the same inputs make the same image in any
// registry, and another source makes another image.
func TestManifestHasInputsOnly(t *testing.T) {
	dir := files{"a": "1"}.write(t)
	made := map[string]string{}
	for n := range 2 {
		r := memory(t)
		for _, source := range []string{"https://example.com", "https://example.org", ""} {
			s := filesSpec(dir, "a")
			s.Source = source
			i := build(t, s, r)
			if n > 0 && made[source] != i.Digest.String() {
				t.Errorf("%q gives %s, and then %s", source, made[source], i.Digest)
			}
			made[source] = i.Digest.String()
			manifest, err := i.V1.Manifest()
			must(t, err)
			for _, annotation := range []string{"org.opencontainers.image.revision", "org.opencontainers.image.created"} {
				if got, ok := manifest.Annotations[annotation]; ok {
					t.Errorf("%s is %s", annotation, got)
				}
			}
			if manifest.Annotations["org.opencontainers.image.title"] != path.Base(s.Name) || manifest.Annotations["org.opencontainers.image.source"] != source {
				t.Errorf("%v", manifest.Annotations)
			}
		}
	}
	if made["https://example.com"] == made["https://example.org"] || made[""] == made["https://example.com"] {
		t.Errorf("%v", made)
	}
}

func layerDigests(t *testing.T, i *Image) []v1.Hash {
	t.Helper()
	manifest, err := i.V1.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var digests []v1.Hash
	for _, l := range manifest.Layers {
		digests = append(digests, l.Digest)
	}
	return digests
}

// Every setting is part of the identity.
func TestInputsCoverTheConfiguration(t *testing.T) {
	dir := files{"a": "1", "b": "1"}.write(t)
	seen := map[string]string{}
	for what, change := range map[string]func(*Spec){
		"nothing":    func(*Spec) {},
		"files":      func(s *Spec) { s.Files = []string{"b"} },
		"workdir":    func(s *Spec) { s.Workdir = "/srv" },
		"user":       func(s *Spec) { s.User = "app" },
		"env":        func(s *Spec) { s.Env = map[string]string{"A": "1"} },
		"entrypoint": func(s *Spec) { s.Entrypoint = []string{"/x"} },
		"command":    func(s *Spec) { s.Command = []string{"/x"} },
		"platform":   func(s *Spec) { s.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm64"}} },
	} {
		s := filesSpec(dir, "a")
		change(&s)
		made := build(t, s, nil)
		if same, ok := seen[made.Inputs]; ok {
			t.Errorf("%s and %s have the same inputs", what, same)
		}
		seen[made.Inputs] = what
	}
}

func TestBuildOnBaseKeepsIt(t *testing.T) {
	r := memory(t)
	reference := pushBase(t, r, "bases/python", v1.Platform{OS: "linux", Architecture: "amd64"})
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	s.Base, s.Env = reference, map[string]string{"PATH": "/mine", "NEW": "1"}
	made := build(t, s, r)
	if err := validate.Image(made.V1); err != nil {
		t.Error(err)
	}
	config, err := made.V1.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"LANG=C.UTF-8", "NEW=1", "PATH=/mine"}, config.Config.Env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"python3"}, config.Config.Entrypoint); diff != "" {
		t.Error(diff)
	}
	if len(config.History) != 3 || config.History[0].CreatedBy == "slipway" || config.History[2].CreatedBy != "slipway" {
		t.Errorf("history is %+v", config.History)
	}
	manifest, err := made.V1.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.MediaType != types.OCIManifestSchema1 || manifest.Config.MediaType != types.OCIConfigJSON {
		t.Errorf("media types are %s and %s", manifest.MediaType, manifest.Config.MediaType)
	}
	for _, l := range manifest.Layers {
		if l.MediaType != types.OCILayer {
			t.Errorf("a layer is %s", l.MediaType)
		}
	}
	s.Entrypoint = []string{"/bin/sh"}
	config, err = build(t, s, r).V1.ConfigFile()
	if err != nil || len(config.Config.Cmd) != 0 {
		t.Errorf("the base's command %v stays with another entry point, %v", config.Config.Cmd, err)
	}
}

func TestBaseOfAnIndex(t *testing.T) {
	r := memory(t)
	reference := pushIndex(t, r, "bases/many", "amd64", "arm64")
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	s.Base = reference
	digests := map[v1.Hash]bool{}
	for _, architecture := range []string{"amd64", "arm64"} {
		s.Platforms = []v1.Platform{{OS: "linux", Architecture: architecture}}
		made := build(t, s, r)
		config, err := made.V1.ConfigFile()
		if err != nil || config.Architecture != architecture {
			t.Errorf("%s gives %s, %v", architecture, config.Architecture, err)
		}
		digests[layerDigests(t, made)[0]] = true
	}
	if len(digests) != 2 {
		t.Error("both platforms have the same base")
	}
	s.Platforms = []v1.Platform{{OS: "linux", Architecture: "s390x"}}
	err := refused(t, s, r)
	wantSourceError(t, err, "has no image for the platform linux/s390x, only for linux/amd64, linux/arm64")
}

func TestBadBase(t *testing.T) {
	r := memory(t)
	host := strings.SplitN(r.Prefix, "/", 2)[0]
	arm := pushBase(t, r, "bases/arm", v1.Platform{OS: "linux", Architecture: "arm64"})
	for base, want := range map[string]string{
		host + "/bases/none:1": "was not found",
		"Not A Reference":      "is not a valid image reference",
		arm:                    "has no image for the platform linux/amd64, only for linux/arm64",
	} {
		s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
		s.Base = base
		err := refused(t, s, r)
		wantSourceError(t, err, want)
	}
}

// Plain HTTP is used for the registry of the prefix only, never for that of a base.
func TestPlainHTTPIsForTheOwnRegistryOnly(t *testing.T) {
	r := memory(t)
	r.Prefix = "registry.example:5000"
	own, err := r.Parse("registry.example:5000/base")
	if err != nil || own.Context().Scheme() != "http" {
		t.Errorf("own: %v, %v", own, err)
	}
	other, err := r.Parse("python:3.12-slim")
	if err != nil || other.Context().Scheme() != "https" {
		t.Errorf("other: %v, %v", other, err)
	}
}

// wantSourceError checks that err is a *source.Error at the position that asked for the
// image.
func wantSourceError(t *testing.T, err error, want string) {
	t.Helper()
	var located *source.Error
	if !errors.As(err, &located) {
		t.Fatalf("%v is no *source.Error; want one that says %q", err, want)
	}
	if located.Position != at {
		t.Errorf("%v is at %v; want %v", err, located.Position, at)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %q in it", err, want)
	}
}
