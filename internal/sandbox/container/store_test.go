package container

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestLayersAreShared pulls two images with a common layer. The second pull must pull and
// unpack only its other layer, and share the files of the common one.
func TestLayersAreShared(t *testing.T) {
	var opened atomic.Int32
	base := &countedLayer{layerOf(t, file("usr/lib/big", strings.Repeat("x", 1<<20)), symlink("lib", "usr/lib")), &opened}
	one := imageOf(t, v1.Config{}, base, &countedLayer{layerOf(t, file("app/main.py", "print(1)")), &opened})
	two := imageOf(t, v1.Config{}, base, &countedLayer{layerOf(t, file("app/main.py", "print(2)")), &opened})
	r := newRuntime(t, one)
	first := unpacked(t, r)
	opened.Store(0)
	var told []Progress
	second, err := pulling(r, two).Image(t.Context(), "registry.test/probe:latest", func(p Progress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d layers were read, want 1", n)
	}
	a, errA := os.Stat(filepath.Join(first.Root, "usr/lib/big"))
	b, errB := os.Stat(filepath.Join(second.Root, "usr/lib/big"))
	if err := errors.Join(errA, errB); err != nil || !os.SameFile(a, b) {
		t.Errorf("the layer that both have is on disk twice (%v)", err)
	}
	for image, want := range map[*Image]string{first: "print(1)", second: "print(2)"} {
		if content, err := os.ReadFile(filepath.Join(image.Root, "app/main.py")); err != nil || string(content) != want {
			t.Errorf("app/main.py is %q, %v; want %q", content, err, want)
		}
	}
	layers, err := two.Layers()
	if err != nil {
		t.Fatal(err)
	}
	size, err := layers[1].Size()
	if err != nil || len(told) < 2 || told[0] != (Progress{0, size}) || told[len(told)-1] != (Progress{size, size}) {
		t.Errorf("told %v, want from 0 to %d bytes (%v)", told, size, err)
	}
}

// pulling returns a runtime that shares r's directory and pulls image.
func pulling(r *Runtime, image v1.Image) *Runtime {
	o := r.options
	o.Pull = pullOf(image)
	return New(o)
}

// TestDamagedImageIsUnpackedAgain damages unpacked files as a crash or a full disk would. The
// image must be complete again, and only damaged layers pulled.
func TestDamagedImageIsUnpackedAgain(t *testing.T) {
	content := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name   string
		path   string // * is the digest
		damage func(path string) error
		pulls  int32
	}{
		{"a truncated file", "images/*/rootfs/a/x", func(p string) error { return os.Truncate(p, 2500) }, 1},
		{"an emptied file", "images/*/rootfs/a/x", func(p string) error { return os.Truncate(p, 0) }, 1},
		{"a file of another time", "images/*/rootfs/a/x", func(p string) error { return os.Chtimes(p, time.Now(), time.Now()) }, 1},
		{"a missing file", "images/*/rootfs/a/x", os.Remove, 0},
		{"a file that became a directory", "images/*/rootfs/a/x", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, 0},
		{"a missing directory", "images/*/rootfs/a", os.RemoveAll, 0},
		{"a missing link", "images/*/rootfs/b/link", os.Remove, 0},
		{"a truncated list", "images/*/list", func(p string) error { return os.Truncate(p, 20) }, 0},
		{"a missing list", "images/*/list", os.Remove, 0},
		{"a truncated configuration", "images/*/config.json", func(p string) error { return os.Truncate(p, 20) }, 0},
		{"all images", "images", os.RemoveAll, 0},
		{"all layers", "layers", os.RemoveAll, 0}, // the image still has all files
		{"all", ".", os.RemoveAll, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opened atomic.Int32
			r := newRuntime(t, imageOf(t, v1.Config{Cmd: []string{"/a/x"}},
				&countedLayer{layerOf(t, file("a/x", content)), &opened},
				&countedLayer{layerOf(t, file("b/y", content), symlink("b/link", "y")), &opened}))
			image := unpacked(t, r)
			path := filepath.Join(r.options.Dir, filepath.FromSlash(strings.Replace(test.path, "*", image.Digest.Hex, 1)))
			if err := test.damage(path); err != nil {
				t.Fatal(err)
			}
			opened.Store(0)
			again := unpacked(t, r)
			for _, name := range []string{"a/x", "b/y", "b/link"} {
				if got, err := os.ReadFile(filepath.Join(again.Root, name)); err != nil || string(got) != content {
					t.Errorf("%s has %d bytes, %v", name, len(got), err)
				}
			}
			if !slices.Equal(again.Config.Cmd, image.Config.Cmd) {
				t.Errorf("the configuration is %+v", again.Config)
			}
			if n := opened.Load(); n != test.pulls {
				t.Errorf("%d layers were read, want %d", n, test.pulls)
			}
		})
	}
}

// TestDamagedImageInUse unpacks an image again while containers run in it. They must keep
// their files.
func TestDamagedImageInUse(t *testing.T) {
	r := newRuntime(t, imageOf(t, v1.Config{}, layerOf(t, file("a", "1"), file("b", "2"))))
	image := unpacked(t, r)
	open, err := os.Open(image.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	release := r.use(image)
	if err := os.Remove(filepath.Join(image.Root, "a")); err != nil {
		t.Fatal(err)
	}
	again := unpacked(t, r)
	if _, err := os.Stat(filepath.Join(again.Root, "a")); err != nil {
		t.Error(err)
	}
	if names, err := open.Readdirnames(-1); err != nil || !slices.Equal(names, []string{"b"}) {
		t.Errorf("a container of the old one sees %q, %v", names, err)
	}
	release()
	r.prune()
	if left, _ := filepath.Glob(filepath.Join(r.options.Dir, imagesDir, ".*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestPruneRemovesOldImages checks that prune removes the least recently used images, and
// none that is in use or was just requested.
func TestPruneRemovesOldImages(t *testing.T) {
	base := layerOf(t, file("base", strings.Repeat("b", 1000)))
	r := newRuntime(t, nil)
	r.options.Keep = 3500
	images := map[string]*Image{}
	for i, name := range []string{"oldest", "running", "older", "new"} {
		r.options.Pull = pullOf(imageOf(t, v1.Config{}, base, layerOf(t, file("own", strings.Repeat(name[:1], 1000)), file(name, name))))
		image, err := r.Image(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		images[name] = image
		if name == "running" {
			defer r.use(image)()
		}
		then := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(filepath.Join(r.imageDir(image.Digest), configEntry), then, then); err != nil {
			t.Fatal(err)
		}
	}
	r.prune()
	for name, kept := range map[string]bool{"oldest": false, "running": true, "older": false, "new": true} {
		if _, err := os.Stat(images[name].Root); (err == nil) != kept {
			t.Errorf("%s: %v, want it kept: %v", name, err, kept)
		}
	}
	if n := len(directories(filepath.Join(r.options.Dir, layersDir))); n != 3 {
		t.Errorf("%d layers are left, want 3: the shared one and two", n)
	}
	// It is unpacked again when it is requested again.
	if _, err := pulling(r, imageOf(t, v1.Config{}, base)).Image(t.Context(), "again", nil); err != nil {
		t.Error(err)
	}
}
