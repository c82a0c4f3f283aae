package container

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// contents returns a tree's paths with the contents of files and the targets of links.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir():
			got[name] = "dir"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			got[name] = "-> " + target
			return err
		default:
			content, err := os.ReadFile(path)
			got[name] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLayers(t *testing.T) {
	for _, test := range []struct {
		name   string
		layers [][]any
		want   map[string]string
	}{
		{"whiteout of a file", [][]any{{file("a/x", "1"), file("a/y", "1")}, {gone("a/.wh.x")}}, map[string]string{"a": "dir", "a/y": "1"}},
		{"whiteout of a directory", [][]any{{file("a/b/x", "1"), file("y", "1")}, {gone(".wh.a")}}, map[string]string{"y": "1"}},
		{"whiteout of nothing", [][]any{{file("y", "1")}, {gone(".wh.a")}}, map[string]string{"y": "1"}},
		{"whiteouts are about lower layers", [][]any{{file("a/x", "1")}, {file("a/x", "2"), gone("a/.wh.x")}}, map[string]string{"a": "dir", "a/x": "2"}},
		{"replaced after a whiteout", [][]any{{file("a/x", "1")}, {gone(".wh.a"), file("a/y", "2")}}, map[string]string{"a": "dir", "a/y": "2"}},
		{"opaque", [][]any{{file("a/x", "1"), file("a/b/y", "1")}, {dir("a"), gone("a/.wh..wh..opq"), file("a/z", "2")}}, map[string]string{"a": "dir", "a/z": "2"}},
		{"opaque at the end", [][]any{{file("a/x", "1"), file("a/b/y", "1")}, {file("a/b/z", "2"), gone("a/.wh..wh..opq")}}, map[string]string{"a": "dir", "a/b": "dir", "a/b/z": "2"}},
		{"meta entries", [][]any{{file(".wh..wh.plnk/1", "1"), gone("a/.wh..wh.aufs")}}, map[string]string{".wh..wh.plnk": "dir", ".wh..wh.plnk/1": "1", "a": "dir"}},
		{"file replaces a directory", [][]any{{file("a/x", "1")}, {file("a", "2")}}, map[string]string{"a": "2"}},
		{"directory replaces a file", [][]any{{file("a", "1")}, {dir("a"), file("a/x", "2")}}, map[string]string{"a": "dir", "a/x": "2"}},
		{"directory replaces a link", [][]any{{dir("real"), symlink("a", "real")}, {dir("a"), file("a/x", "2")}}, map[string]string{"real": "dir", "a": "dir", "a/x": "2"}},
		{"file replaces a link and not its target", [][]any{{file("real", "1"), symlink("a", "real")}, {file("a", "2")}}, map[string]string{"real": "1", "a": "2"}},
		{"through a link inside", [][]any{{dir("usr/lib"), symlink("lib", "usr/lib")}, {file("lib/x", "2")}}, map[string]string{"usr": "dir", "usr/lib": "dir", "lib": "-> usr/lib", "usr/lib/x": "2"}},
		{"through an absolute link", [][]any{{dir("run"), symlink("var/run", "/run")}, {file("var/run/x", "2")}}, map[string]string{"run": "dir", "var": "dir", "var/run": "-> /run", "run/x": "2"}},
		{"whiteout through a link", [][]any{{file("usr/lib/x", "1"), symlink("lib", "usr/lib")}, {gone("lib/.wh.x")}}, map[string]string{"usr": "dir", "usr/lib": "dir", "lib": "-> usr/lib"}},
		{"hard link", [][]any{{file("a", "1"), hardlink("b/c", "a")}, {gone(".wh.a")}}, map[string]string{"b": "dir", "b/c": "1"}},
		{"hard link to a lower layer's", [][]any{{file("a", "1")}, {hardlink("b", "/a")}}, map[string]string{"a": "1", "b": "1"}},
		{"devices are left out", [][]any{{tar.Header{Typeflag: tar.TypeChar, Name: "dev/null"}, tar.Header{Typeflag: tar.TypeFifo, Name: "p"}, file("a", "1")}}, map[string]string{"dev": "dir", "a": "1"}},
		{"names with dots and slashes", [][]any{{file("./a/./x", "1"), file("/b", "1"), dir("./")}}, map[string]string{"a": "dir", "a/x": "1", "b": "1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var layers []v1.Layer
			for _, l := range test.layers {
				layers = append(layers, layerOf(t, l...))
			}
			r := newRuntime(t, imageOf(t, v1.Config{}, layers...))
			image := unpacked(t, r)
			if diff := cmp.Diff(test.want, contents(t, image.Root)); diff != "" {
				t.Error(diff)
			}
			copied := filepath.Join(t.TempDir(), "copy")
			if err := copyTree(image.Root, copied); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, contents(t, copied)); diff != "" {
				t.Error("copy:", diff)
			}
		})
	}
}

// TestHostileLayers unpacks images that try to write outside of their root. Each is
// either refused or stays inside.
func TestHostileLayers(t *testing.T) {
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 20)
	for _, test := range []struct {
		name    string
		layers  [][]any
		refused bool
	}{
		{"parent in the name", [][]any{{file(up+victim, "x")}}, true},
		{"absolute name with parents", [][]any{{file("/.."+victim, "x")}}, true},
		{"absolute name", [][]any{{file(victim, "x")}}, false},
		{"write through an absolute link", [][]any{{symlink("a", outside), file("a/victim", "x")}}, false},
		{"write through a relative link", [][]any{{symlink("a", up+outside), file("a/victim", "x")}}, false},
		{"write through a link of a lower layer", [][]any{{symlink("a", outside)}, {file("a/victim", "x")}}, false},
		{"write through a chain of links", [][]any{{symlink("a", "b"), symlink("b", "c/.."), symlink("c", up+outside), file("a/victim", "x")}}, false},
		{"write to a link", [][]any{{symlink("a", victim), file("a", "x")}}, false},
		{"hard link to the machine's", [][]any{{hardlink("a", up+victim), file("a", "x")}}, true},
		{"hard link to the machine's by its path", [][]any{{hardlink("a", victim)}}, true},
		{"hard link through a link", [][]any{{symlink("a", outside), hardlink("b", "a/victim")}}, true},
		{"hard link to a link, then write", [][]any{{symlink("a", victim), hardlink("b", "a"), file("b", "x")}}, false},
		{"whiteout through a link", [][]any{{symlink("a", outside), gone("a/.wh.victim")}}, false},
		{"opaque through a link", [][]any{{symlink("a", outside), gone("a/.wh..wh..opq")}}, false},
		{"whiteout of the parent", [][]any{{dir("a"), gone("a/.wh...")}}, true},
		{"whiteout of nothing in particular", [][]any{{dir("a"), gone("a/.wh.")}}, true},
		{"endless links", [][]any{{symlink("a", "b"), symlink("b", "a"), file("a/x", "x")}}, true},
		{"mode through a link", [][]any{{symlink("a", outside), tar.Header{Typeflag: tar.TypeDir, Name: "a", Mode: 0o777}}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var layers []v1.Layer
			for _, l := range test.layers {
				layers = append(layers, layerOf(t, l...))
			}
			r := newRuntime(t, imageOf(t, v1.Config{}, layers...))
			image, err := r.Image(t.Context(), "evil", nil)
			if refused := err != nil; refused != test.refused {
				t.Errorf("error %v, want one: %v", err, test.refused)
			}
			content, readErr := os.ReadFile(victim)
			if readErr != nil || string(content) != "untouched" {
				t.Fatalf("the machine's file is now %q, %v", content, readErr)
			}
			if info, err := os.Stat(outside); err != nil || info.Mode().Perm() == 0o777 {
				t.Errorf("the machine's directory is now %v, %v", info.Mode(), err)
			}
			if image == nil {
				if left, _ := filepath.Glob(filepath.Join(r.options.Dir, "images", "*", "*")); len(left) > 0 {
					t.Errorf("left %v", left)
				}
			}
		})
	}
}

func TestModesAndTimes(t *testing.T) {
	when := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	header := func(name string, mode int64) entry {
		e := file(name, "x")
		e.Mode, e.ModTime = mode, when
		return e
	}
	locked := dir("locked")
	locked.Mode = 0o1
	sticky := dir("tmp")
	sticky.Mode = 0o1777
	r := newRuntime(t, imageOf(t, v1.Config{}, layerOf(t,
		header("setuid", 0o6755), header("secret", 0), header("plain", 0o640), locked, header("locked/x", 0o644), sticky)))
	image := unpacked(t, r)
	got := map[string]string{}
	for _, name := range []string{"setuid", "secret", "plain", "locked", "tmp"} {
		info, err := os.Stat(filepath.Join(image.Root, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode().String()
		if name == "plain" && !info.ModTime().Equal(when) {
			t.Errorf("time %v, want %v", info.ModTime(), when)
		}
	}
	want := map[string]string{
		"setuid": "-rwxr-xr-x", "secret": "-r--------", "plain": "-rw-r-----", "locked": "drwx-----x", "tmp": "dtrwxrwxrwx",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestImageConfig(t *testing.T) {
	config := v1.Config{
		Entrypoint: []string{"/e"}, Cmd: []string{"c", "d"}, Env: []string{"A=1"}, WorkingDir: "/w", User: "1000:1000",
	}
	r := newRuntime(t, imageOf(t, config))
	got := unpacked(t, r)
	want := ImageConfig{
		OS: got.Config.OS, Architecture: got.Config.Architecture,
		Entrypoint: config.Entrypoint, Cmd: config.Cmd, Env: config.Env, WorkingDir: "/w", User: "1000:1000",
	}
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Error(diff)
	}
	if r.Platform() != got.Config.Platform() {
		t.Errorf("platform %s, want %s", got.Config.Platform(), r.Platform())
	}
}

// TestImageOnce unpacks an image from many goroutines, through two runtimes that share a
// directory as two processes would.
func TestImageOnce(t *testing.T) {
	var layers []v1.Layer
	var opened atomic.Int32
	for _, name := range []string{"a", "b", "c"} {
		layers = append(layers, &countedLayer{layerOf(t, file(name+"/x", name)), &opened})
	}
	image := imageOf(t, v1.Config{}, layers...)
	r := newRuntime(t, image)
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	// Left by a process that was killed while it unpacked.
	left := filepath.Join(r.options.Dir, "images", "."+digest.Hex, rootEntry, "stale")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	opened.Store(0)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			other := New(r.options)
			got, err := other.Image(t.Context(), "probe", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if content, err := os.ReadFile(filepath.Join(got.Root, "c", "x")); err != nil || string(content) != "c" {
				t.Errorf("read %q, %v", content, err)
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n != int32(len(layers)) {
		t.Errorf("layers were unpacked %d times, want %d", n, len(layers))
	}
	if _, err := os.Stat(filepath.Join(r.imageDir(digest), rootEntry, "stale")); err == nil {
		t.Error("what a killed process left is in the image")
	}
	entries, _ := os.ReadDir(filepath.Join(r.options.Dir, "images"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{digest.Hex, digest.Hex + ".lock"}; !slices.Equal(names, want) {
		t.Errorf("images/ has %v, want %v", names, want)
	}
}

type countedLayer struct {
	v1.Layer
	opened *atomic.Int32
}

func (l *countedLayer) Compressed() (io.ReadCloser, error) {
	l.opened.Add(1)
	return l.Layer.Compressed()
}

func TestImageByDigestIsNotPulledAgain(t *testing.T) {
	r := newRuntime(t, scratchImage(t))
	image := unpacked(t, r)
	r.options.Pull = func(context.Context, string) (v1.Image, error) { return nil, errors.New("offline") }
	again, err := r.Image(t.Context(), "registry.test/probe@"+image.Digest.String(), nil)
	if err != nil || again.Root != image.Root {
		t.Errorf("image %+v, error %v", again, err)
	}
	if _, err := r.Image(t.Context(), "registry.test/probe:latest", nil); err == nil || !strings.Contains(err.Error(), "pull image registry.test/probe:latest: offline") {
		t.Errorf("error %v", err)
	}
	missing := "registry.test/probe@sha256:" + strings.Repeat("0", 64)
	if _, err := r.Image(t.Context(), missing, nil); err == nil {
		t.Error("an image that was never pulled is there")
	}
}

func TestInterruptedPull(t *testing.T) {
	image := imageOf(t, v1.Config{}, layerOf(t, file("a", "1")), &brokenLayer{layerOf(t, file("b", "2"))})
	r := newRuntime(t, image)
	if _, err := r.Image(t.Context(), "probe", nil); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(r.options.Dir, "images"))
	if err != nil || len(entries) != 1 { // the lock
		t.Errorf("left %v, %v", entries, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newRuntime(t, scratchImage(t)).Image(ctx, "probe", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

var errBroken = errors.New("connection lost")

type brokenLayer struct{ v1.Layer }

func (l *brokenLayer) Compressed() (io.ReadCloser, error) {
	return nil, errBroken
}

// FuzzLayer unpacks two links and a file whose path leads through them. A file outside of
// the root must not change.
func FuzzLayer(f *testing.F) {
	f.Add("a", "/", "b", "a/../..", "b/victim")
	f.Add("a", "../outside", "a/b", ".", "a/b/.wh.victim")
	f.Add("x/.wh..wh..opq", "..", "x", "/..", "x/./y")
	f.Fuzz(func(t *testing.T, link1, target1, link2, target2, name string) {
		parent := t.TempDir()
		victim, root := filepath.Join(parent, "victim"), filepath.Join(parent, "root")
		if err := errors.Join(os.WriteFile(victim, []byte("untouched"), 0o600), os.Mkdir(root, 0o700)); err != nil {
			t.Fatal(err)
		}
		tree, err := openTree(root)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.close()
		l := layer{tree: tree, written: map[string]bool{}}
		for _, e := range []entry{{Header: symlink(link1, target1)}, {Header: symlink(link2, target2)}, file(name, "x"), {Header: hardlink("h", name)}, file("h", "y"), {Header: gone(name)}} {
			_ = l.entry(&e.Header, func(dir directory, base string) error {
				return writeFile(dir.root, base, strings.NewReader(e.content), e.FileInfo())
			})
		}
		entries, err := os.ReadDir(parent)
		if content, readErr := os.ReadFile(victim); err != nil || len(entries) != 2 || readErr != nil || string(content) != "untouched" {
			t.Errorf("beside the tree: %v, %q, %v, %v", entries, content, err, readErr)
		}
	})
}
