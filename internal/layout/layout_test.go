package layout

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/registry"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a layout with the images to a directory, and returns its path.
func write(t testing.TB, images ...v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	to, err := ggcr.Write(dir, empty.Index)
	must(t, err)
	for _, i := range images {
		must(t, to.AppendImage(i))
	}
	return dir
}

// pack packs a directory into an archive, and returns its path. change may change each entry, or
// leave it out.
func pack(t testing.TB, dir string, change func(*tar.Header, []byte) []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(t, filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		must(t, err)
		inside, err := filepath.Rel(dir, file)
		must(t, err)
		h := &tar.Header{Name: "./" + filepath.ToSlash(inside), Typeflag: tar.TypeReg, Mode: 0o644}
		if change != nil {
			text = change(h, text)
		}
		if h.Name == "" {
			return nil
		}
		h.Size = int64(len(text))
		must(t, w.WriteHeader(h))
		_, err = w.Write(text)
		return err
	}))
	must(t, w.Close())
	file := filepath.Join(t.TempDir(), "image.tar")
	must(t, os.WriteFile(file, b.Bytes(), 0o644))
	return file
}

func image(t testing.TB) v1.Image {
	t.Helper()
	i, err := random.Image(700, 3)
	must(t, err)
	return i
}

// readEverything reads the manifest, the configuration and the layers.
func readEverything(l *Layout) error {
	text, err := l.Document(l.Digest)
	if err != nil {
		return err
	}
	m, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if _, err := l.Document(m.Config.Digest); err != nil {
		return err
	}
	for _, layer := range m.Layers {
		stream, err := l.Blob(layer.Digest, layer.Size)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, stream)
		if err := errors.Join(err, stream.Close()); err != nil {
			return err
		}
	}
	return nil
}

// TestOpen reads the same image from a directory, from an archive of it, and from an archive of
// docker save.
func TestOpen(t *testing.T) {
	t.Parallel()
	i := image(t)
	want, err := i.Digest()
	must(t, err)
	dir := write(t, i)
	saved := filepath.Join(t.TempDir(), "saved.tar")
	tag, err := name.NewTag("python:3.12")
	must(t, err)
	must(t, tarball.WriteToFile(saved, tag, i))
	repository := filepath.Dir(dir)
	for where, at := range map[string]Location{
		"a directory": {Path: dir}, "a directory of the tree": {Path: filepath.Base(dir)}, "an archive": {Path: pack(t, dir, nil), Archive: true},
		"by digest": {Path: dir, Digest: want}, "docker save": {Path: saved, Archive: true},
	} {
		l, err := Open(repository, at)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if where != "docker save" && l.Digest != want {
			t.Errorf("%s has %s instead of %s", where, l.Digest, want)
		}
		if err := readEverything(l); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// TestDockerArchive reads an archive as docker save wrote it until version 25: layers are not
// compressed, and equal ones are links.
func TestDockerArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layer := registry.DigestOf([]byte("a layer"))
	config := `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + layer.String() + `","` + layer.String() + `"]}}`
	for file, text := range map[string]string{
		"manifest.json": `[{"Config":"c.json","RepoTags":["a:1"],"Layers":["one/layer.tar","two/layer.tar"]}]`,
		"c.json":        config, "one/layer.tar": "a layer", "two/layer.tar": "../one/layer.tar",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
	}
	file := pack(t, dir, func(h *tar.Header, text []byte) []byte {
		if h.Name == "./two/layer.tar" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, string(text)
			return nil
		}
		return text
	})
	l, err := Open("/", Location{Path: file, Archive: true})
	must(t, err)
	must(t, readEverything(l))
	text, err := l.Document(l.Digest)
	must(t, err)
	if !strings.Contains(string(text), `"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"`+layer.String()) {
		t.Errorf("the manifest is %s", text)
	}
}

// TestRefused opens what is not an image, or a hostile one. Nothing outside of it is read.
func TestRefused(t *testing.T) {
	t.Parallel()
	good := image(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("hunter2"), 0o644))
	manifest, err := good.RawManifest()
	must(t, err)
	digest, err := good.Digest()
	must(t, err)
	blob := filepath.Join("blobs", "sha256", digest.Hex)
	for want, prepare := range map[string]func(dir string) string{
		"does not exist":   func(dir string) string { return filepath.Join(dir, "none") },
		"has no index.jso": func(dir string) string { must(t, os.Remove(filepath.Join(dir, "index.json"))); return dir },
		"has no oci-layou": func(dir string) string { must(t, os.Remove(filepath.Join(dir, "oci-layout"))); return dir },
		"lacks the blob":   func(dir string) string { must(t, os.Remove(filepath.Join(dir, blob))); return dir },
		"is damaged: the content of": func(dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, blob), bytes.Replace(manifest, []byte("sha256:"), []byte("sha256:"), 1)[:len(manifest)-1], 0o644))
			return dir
		},
		"escapes": func(dir string) string {
			must(t, os.Remove(filepath.Join(dir, blob)))
			must(t, os.Symlink(secret, filepath.Join(dir, blob)))
			return dir
		},
		"more than 4 MiB": func(dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, "index.json"), make([]byte, maxDocument+1), 0o644))
			return dir
		},
		"cannot be read": func(dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte(`{"manifests":[{"digest":"sha256:../../../../etc/passwd"}]}`), 0o644))
			return dir
		},
		"has no image": func(dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte(`{"manifests":[]}`), 0o644))
			return dir
		},
		"is a directory": func(dir string) string {
			must(t, os.Remove(filepath.Join(dir, blob)))
			must(t, os.Mkdir(filepath.Join(dir, blob), 0o755))
			return dir
		},
	} {
		path := prepare(write(t, good))
		l, err := Open("/", Location{Path: path})
		if err == nil {
			err = readEverything(l)
		}
		if !errors.As(err, new(*Error)) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s was read: %v", secret, err)
		}
	}
}

// TestRefusedArchives opens archives that are not an image, or hostile ones.
func TestRefusedArchives(t *testing.T) {
	t.Parallel()
	dir := write(t, image(t))
	whole, err := os.ReadFile(pack(t, dir, nil))
	must(t, err)
	linked := func(target string) string {
		return pack(t, dir, func(h *tar.Header, text []byte) []byte {
			if h.Name == "./index.json" {
				h.Typeflag, h.Linkname = tar.TypeSymlink, target
				return nil
			}
			return text
		})
	}
	file := func(text []byte) string {
		name := filepath.Join(t.TempDir(), "a.tar")
		must(t, os.WriteFile(name, text, 0o644))
		return name
	}
	for want, path := range map[string]string{
		"is compressed":                   file([]byte{0x1f, 0x8b, 8, 0, 0, 0}),
		"is not a tar archive":            file(bytes.Repeat([]byte("text "), 400)),
		"is not the archive of an image":  file(make([]byte, 1024)),
		"neither index.json nor manifest": linked("../../../../etc/passwd"),
		"too many links":                  linked("index.json"),
		"is incomplete":                   file(whole[:700]),
		"does not exist":                  filepath.Join(dir, "none.tar"),
		"is a directory, not a file":      dir,
	} {
		_, err := Open("/", Location{Path: path, Archive: true})
		if !errors.As(err, new(*Error)) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestTree checks that a relative path does not leave the source tree.
func TestTree(t *testing.T) {
	t.Parallel()
	dir, tree := write(t, image(t)), t.TempDir()
	must(t, os.Symlink(dir, filepath.Join(tree, "base")))
	must(t, os.Symlink(pack(t, dir, nil), filepath.Join(tree, "base.tar")))
	for _, at := range []Location{{Path: "base"}, {Path: "base.tar", Archive: true}} {
		if _, err := Open(tree, at); err == nil || !strings.Contains(err.Error(), "escapes") {
			t.Errorf("%s: %v", at.Path, err)
		}
	}
	for path, inside := range map[string]bool{"a": true, "a/../b": true, "../a": false, "a/../../b": false, "": false, dir: true} {
		if (Location{Path: path}).Inside() != inside {
			t.Errorf("%q is inside: %t", path, !inside)
		}
	}
}

// TestSeveral chooses between the images of a layout.
func TestSeveral(t *testing.T) {
	t.Parallel()
	one, two := image(t), image(t)
	dir := write(t, one, two, one)
	digest, err := two.Digest()
	must(t, err)
	if _, err := Open("/", Location{Path: dir}); err == nil || !strings.Contains(err.Error(), "has 2 images") {
		t.Errorf("two images: %v", err)
	}
	at, ok := Parse("oci:" + dir + "@" + digest.String())
	if l, err := Open("/", at); !ok || err != nil || l.Digest != digest {
		t.Errorf("%v: %v, %v", at, l, err)
	}
	if _, err := Open("/", Location{Path: dir, Digest: registry.DigestOf(nil)}); err == nil || !strings.Contains(err.Error(), "has no image sha256:") {
		t.Errorf("another image: %v", err)
	}
	// Images for different platforms are an index.
	platform := func(architecture string, i v1.Image) {
		to, err := ggcr.FromPath(dir)
		must(t, err)
		must(t, to.AppendImage(i, ggcr.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture})))
	}
	must(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte(`{"schemaVersion":2}`), 0o644))
	platform("amd64", one)
	platform("arm64", two)
	l, err := Open("/", Location{Path: dir})
	must(t, err)
	text, err := l.Document(l.Digest)
	must(t, err)
	if index, err := v1.ParseIndexManifest(bytes.NewReader(text)); err != nil || len(index.Manifests) != 2 {
		t.Errorf("%s: %v", text, err)
	}
}

// FuzzArchive opens any archive, and reads what it has.
func FuzzArchive(f *testing.F) {
	dir := write(f, image(f))
	for _, file := range []string{pack(f, dir, nil)} {
		text, err := os.ReadFile(file)
		must(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "a.tar")
		must(t, os.WriteFile(file, text, 0o644))
		l, err := Open("/", Location{Path: file, Archive: true})
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Fatalf("%v is not an *Error", err)
			}
			return
		}
		_ = readEverything(l)
	})
}
