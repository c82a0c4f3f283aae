package image

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// wheelOf returns the wheel of a package with one large file. If wrong is not empty, it
// replaces the file's hash in RECORD.
func wheelOf(t *testing.T, name, content, wrong string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{{name + ".py", content}, {name + "-1.dist-info/METADATA", "Name: " + name + "\nVersion: 1\n"}, {name + "-1.dist-info/WHEEL", "Wheel-Version: 1.0\n"}, {name + "-1.dist-info/RECORD", name + ".py," + wrong + ",\n"}} {
		w, err := z.Create(f[0])
		must(t, err)
		_, err = io.WriteString(w, f[1])
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// wheelIndex serves wheels and their index pages. It calls held before it sends a wheel.
func wheelIndex(t *testing.T, wheels map[string][]byte, held func(file string)) (environ []string, lock string) {
	t.Helper()
	for name, text := range wheels {
		lock += fmt.Sprintf("%s==1 --hash=sha256:%x\n", name, sha256.Sum256(text))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/simple"), "/")
		if file, ok := strings.CutSuffix(name, "-1-py3-none-any.whl"); ok {
			held(file)
			_, _ = w.Write(wheels[file])
			return
		}
		_, _ = fmt.Fprintf(w, `<a href="/%s-1-py3-none-any.whl#sha256=%x">%s</a>`, name, sha256.Sum256(wheels[name]), name)
	}))
	t.Cleanup(server.Close)
	return []string{"PIP_INDEX_URL=" + server.URL + "/simple", "PIP_CONFIG_FILE=" + os.DevNull}, lock
}

// Packages arrive in the registry while others are still being downloaded.
func TestPackagesAreUploadedDuringDownloads(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	n := 0
	var mu sync.Mutex
	next := registrytest.InMemory()
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/train/blobs/uploads/") {
			if n++; n == 2 { // a.py and the first package
				close(arrived)
			}
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text := make([]byte, 9<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text[:1<<20])
	wheels := map[string][]byte{"one": wheelOf(t, "one", string(text), ""), "two": wheelOf(t, "two", string(text[:3<<20]), "")}
	environ, lock := wheelIndex(t, wheels, func(file string) {
		if file == "two" {
			select {
			case <-arrived:
			case <-ctx.Done():
			}
		}
	})
	s := pythonSpec(files{"a.py": "1", "lock.txt": lock}.write(t), rootBase(t, r, "bases/official", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36")))
	s.Environ = environ
	made := build(t, s, r)
	if ctx.Err() != nil {
		t.Error("the second package was waited for")
	}
	if got := owned(t, made.V1, 1); got["/opt/venv/lib/python3.12/site-packages/one.py"] == "" || got["/opt/venv/lib/python3.12/site-packages/two.py"] == "" {
		t.Errorf("%v", got)
	}
	// With wheels from the cache, the image has the same layers.
	must(t, os.Remove(filepath.Join(cacheDir(s.Dir), "layers")))
	s.Name = "again"
	layers := func(i *Image) (all []string) {
		manifest, err := i.V1.Manifest()
		must(t, err)
		for _, l := range manifest.Layers {
			all = append(all, l.Digest.String())
		}
		return all
	}
	if diff := cmp.Diff(layers(made), layers(build(t, s, r))); diff != "" {
		t.Error(diff)
	}
}

// A file that does not match its wheel's RECORD is detected while it is packed. The error
// points to the line of the lock, and the image gets no tag.
func TestWheelWithWrongHash(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3 << 20, 9 << 20} {
		text := strings.Repeat("x", size)
		r := memory(t)
		environ, lock := wheelIndex(t, map[string][]byte{"one": wheelOf(t, "one", text, "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")}, func(string) {})
		s := pythonSpec(files{"a.py": "1", "lock.txt": lock}.write(t), rootBase(t, r, "bases/official", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36")))
		s.Environ = environ
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		_, err = Push(t.Context(), r, recipe, []string{"v1"}, nil)
		wrong := (*source.Error)(nil)
		if want := "lock.txt:1:1: the wheel one-1-py3-none-any.whl cannot be installed: one.py does not match its hash in RECORD (choose another version)"; !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("%d bytes: %v", size, err)
		}
		if there, err := r.Tagged(t.Context(), "train", "v1"); err != nil || there != nil {
			t.Errorf("%d bytes: %v, %v", size, there, err)
		}
	}
}

// Deflated content is copied into a layer: it is inflated once and never compressed. The
// layer is always the same, and any gzip reader can read it.
func TestMembers(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("all work and no play ", 10_000)
	copies, opens := 0, 0
	deflated := func(text string, size int64) *wheel.Deflated {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, errors.Join(err, w.Close()))
		return &wheel.Deflated{Size: max(size, int64(b.Len())), CRC: crc32.ChecksumIEEE([]byte(text)), Copy: func(plain, packed io.Writer) error {
			copies++
			_, err := packed.Write(b.Bytes())
			_, other := io.WriteString(plain, text)
			return errors.Join(err, other)
		}}
	}
	c := &content{description: "members", parents: []directory{{name: "/a", mode: 0o755}}}
	want := map[string]string{"a/": ""}
	for n, text := range []string{"1", large, large + "2", "", "3"} {
		e := entry{name: fmt.Sprintf("/a/%d", n), size: int64(len(text)), mode: 0o644, open: func() (io.ReadCloser, error) {
			opens++
			return io.NopCloser(strings.NewReader(text)), nil
		}}
		if len(text) > 1 {
			e.deflated = deflated(text, minDeflated)
		} else if n == 4 {
			e.deflated = deflated(text, 0)
		}
		want[e.name[1:]] = text
		c.entries = append(c.entries, e)
	}
	var b, again bytes.Buffer
	f, err := c.pack(t.Context(), &b)
	must(t, err)
	if copies != 2 || opens != 3 {
		t.Errorf("%d files were copied, and %d read", copies, opens)
	}
	if same, err := c.pack(t.Context(), &again); err != nil || same != f || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("%+v, and then %+v, %v", f, same, err)
	}
	plain := sha256.New()
	z, err := gzip.NewReader(bytes.NewReader(b.Bytes()))
	must(t, err)
	text, err := io.ReadAll(io.TeeReader(z, plain))
	must(t, err)
	got := map[string]string{}
	for archive := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		body, err := io.ReadAll(archive)
		must(t, err)
		got[h.Name] = string(body)
	}
	if diff := cmp.Diff(want, got); diff != "" || f.DiffID != sum(plain) || f.Digest != registry.DigestOf(b.Bytes()) || f.Size != int64(b.Len()) {
		t.Errorf("%+v: %s", f, diff)
	}
	if _, err := exec.LookPath("gzip"); err == nil {
		command := exec.CommandContext(t.Context(), "gzip", "-dc")
		command.Stdin = &b
		if out, err := command.Output(); err != nil || !bytes.Equal(out, text) {
			t.Errorf("gzip reads %d bytes of %d, %v", len(out), len(text), err)
		}
	}
}
