package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// node is a file of a base.
type node struct {
	name     string
	kind     byte
	mode     int64
	uid, gid int
	link     string
	text     string
}

func dir(name string, mode int64, uid, gid int) node {
	return node{name: name, kind: tar.TypeDir, mode: mode, uid: uid, gid: gid}
}

func symlink(name, to string) node { return node{name: name, kind: tar.TypeSymlink, link: to} }

// official returns what the official python images have, for a version and a C library.
func official(version, libc string) []node {
	short := version[:strings.LastIndex(version, ".")]
	return []node{
		dir("usr/local/lib/python"+short, 0o755, 0, 0), symlink("usr/local/bin/python3", "python"+short),
		{name: "usr/local/bin/python" + short, kind: tar.TypeReg, mode: 0o755, text: "\x7fELF/lib64/ld-linux-x86-64.so.2\x00"},
		{name: "usr/lib/x86_64-linux-gnu/libc.so.6", kind: tar.TypeReg, mode: 0o755, text: "GNU C Library (Debian) stable release version " + libc + "."},
	}
}

// rootBase pushes a base with these layers to the registry.
func rootBase(t *testing.T, r *registry.Client, image string, env []string, layers ...[]node) string {
	t.Helper()
	base := empty.Image
	for _, nodes := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, n := range nodes {
			must(t, w.WriteHeader(&tar.Header{Name: n.name, Typeflag: n.kind, Mode: n.mode, Uid: n.uid, Gid: n.gid, Linkname: n.link, Size: int64(len(n.text)), Format: tar.FormatPAX}))
			_, err := io.WriteString(w, n.text)
			must(t, err)
		}
		must(t, w.Close())
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		must(t, err)
		base, err = mutate.AppendLayers(base, layer)
		must(t, err)
	}
	config, err := base.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Env = "linux", "amd64", env
	base, err = mutate.ConfigFile(base, config)
	must(t, err)
	return put(t, r, image, func(ref name.Reference) error { return remote.Write(ref, base, options(t, r)...) })
}

// owned lists the directories and files of an image's layers from the nth on, with owners
// and modes.
func owned(t *testing.T, image v1.Image, from int) map[string]string {
	t.Helper()
	layers, err := image.Layers()
	must(t, err)
	all := map[string]string{}
	for _, l := range layers[from:] {
		content, err := l.Uncompressed()
		must(t, err)
		archive := tar.NewReader(content)
		for {
			h, err := archive.Next()
			if err == io.EOF {
				break
			}
			must(t, err)
			all[path.Join("/", h.Name)] = fmt.Sprintf("%04o %d:%d", h.Mode, h.Uid, h.Gid)
		}
		must(t, content.Close())
	}
	return all
}

func TestBaseDirectoriesAreUnchanged(t *testing.T) {
	t.Parallel()
	r := memory(t)
	base := rootBase(t, r, "bases/home", nil,
		[]node{dir("home", 0o755, 0, 0), dir("home/jovyan", 0o755, 0, 0), dir("app", 0o2775, 1000, 1000), dir("tmp", 0o1777, 0, 0), dir("usr", 0o755, 0, 0), dir("usr/lib", 0o755, 0, 0),
			symlink("opt", "srv/opt"), dir("srv/opt", 0o700, 7, 7), dir("var", 0o755, 0, 0), symlink("var/run", "/run"), dir("run", 0o755, 0, 0)},
		[]node{dir("home/jovyan", 0o750, 1000, 100)})
	tree := files{"a.py": "1", "deep/b.py": "2"}.write(t)
	for workdir, want := range map[string]map[string]string{
		"/home/jovyan": {"/home": "0755 0:0", "/home/jovyan": "0750 1000:100", "/home/jovyan/a.py": "0644 5:6", "/home/jovyan/deep": "0755 5:6", "/home/jovyan/deep/b.py": "0644 5:6"},
		"/app":         {"/app": "2775 1000:1000", "/app/a.py": "0644 5:6", "/app/deep": "0755 5:6", "/app/deep/b.py": "0644 5:6"},
		"/tmp/job":     {"/tmp": "1777 0:0", "/tmp/job": "0755 5:6", "/tmp/job/a.py": "0644 5:6", "/tmp/job/deep": "0755 5:6", "/tmp/job/deep/b.py": "0644 5:6"},
		"/opt/job":     {"/srv": "0755 5:6", "/srv/opt": "0700 7:7", "/srv/opt/job": "0755 5:6", "/srv/opt/job/a.py": "0644 5:6", "/srv/opt/job/deep": "0755 5:6", "/srv/opt/job/deep/b.py": "0644 5:6"},
		"/var/run/job": {"/run": "0755 0:0", "/run/job": "0755 5:6", "/run/job/a.py": "0644 5:6", "/run/job/deep": "0755 5:6", "/run/job/deep/b.py": "0644 5:6"},
		"/usr/lib/job": {"/usr": "0755 0:0", "/usr/lib": "0755 0:0", "/usr/lib/job": "0755 5:6", "/usr/lib/job/a.py": "0644 5:6", "/usr/lib/job/deep": "0755 5:6", "/usr/lib/job/deep/b.py": "0644 5:6"},
	} {
		s := filesSpec(tree, "a.py", "deep")
		s.Base, s.Workdir, s.Owner = base, workdir, Owner{5, 6}
		made := build(t, s, r)
		if diff := cmp.Diff(want, owned(t, made.V1, 2)); diff != "" {
			t.Errorf("%s: %s", workdir, diff)
		}
		if config, err := made.V1.ConfigFile(); err != nil || config.Config.WorkingDir != workdir {
			t.Errorf("the working directory is %q, %v", config.Config.WorkingDir, err)
		}
	}
}

// A base is read once. Another image on it, or on a base that shares layers, does not read
// them again.
func TestBaseIsReadOnce(t *testing.T) {
	t.Parallel()
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	r := serve(t, f)
	below := []node{dir("app", 0o700, 9, 9)}
	one := rootBase(t, r, "bases/one", nil, below)
	two := rootBase(t, r, "bases/two", nil, below, []node{dir("x", 0o755, 0, 0)})
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	blobs := func(base string) int {
		f.InterceptWith(nil)
		s.Base = base
		if got := owned(t, build(t, s, r).V1, strings.Count(base, "two")+1)["/app"]; got != "0700 9:9" {
			t.Errorf("/app is %s", got)
		}
		requests, _ := f.Log()
		n := 0
		for _, request := range requests {
			if strings.HasPrefix(request, "GET /v2/acme/ml/bases/") && strings.Contains(request, "/blobs/") {
				n++
			}
		}
		return n
	}
	if n := blobs(one); n != 2 {
		t.Errorf("the first image reads %d blobs of its base instead of a layer and the configuration", n)
	}
	if n := blobs(two); n != 2 {
		t.Errorf("the second reads %d blobs instead of a new layer and the configuration", n)
	}
	s.Env = map[string]string{"A": "1"}
	if n := blobs(two); n != 0 {
		t.Errorf("the third reads %d blobs", n)
	}
	// A damaged cache is read again, if no image records what is needed of the base.
	cached, err := filepath.Glob(filepath.Join(cacheDir(s.Dir), "bases", "*"))
	must(t, err)
	for _, name := range cached {
		damage(t, name)
	}
	s.Name = "other"
	if n := blobs(two); n != 3 {
		t.Errorf("after damage %d blobs are read", n)
	}
}

// The same image is made on a machine that has read the base, on one that knows the base
// from the image that was pushed last, and on one that knows nothing.
func TestKnownBaseGivesTheSameImage(t *testing.T) {
	t.Parallel()
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	r := serve(t, f)
	base := rootBase(t, r, "bases/one", []string{"PYTHON_VERSION=3.12.4"}, append(official("3.12.4", "2.36"), dir("app", 0o2750, 9, 9), symlink("app/deep", "/srv"), dir("srv", 0o700, 3, 3)))
	tree := func(text string) Spec { return pythonSpec(files{"a.py": text, "lock.txt": emptyLock}.write(t), base) }
	here := tree("1")
	build(t, here, r)
	must(t, os.WriteFile(filepath.Join(here.Dir, "a.py"), []byte("2"), 0o644))
	want := build(t, here, r)
	alone := tree("2")
	alone.Name = "alone/" + alone.Name
	digests := []v1.Hash{build(t, alone, r).Digest}
	other := tree("3")
	f.InterceptWith(nil)
	build(t, other, r)
	requests, _ := f.Log()
	for _, request := range requests {
		if strings.HasPrefix(request, "GET /v2/acme/ml/bases/one/blobs/") && !strings.Contains(request, configOf(t, r, base)) {
			t.Errorf("a fresh machine reads a layer of the base: %s", request)
		}
	}
	fresh := tree("2")
	fresh.Env = map[string]string{"A": "1"} // so that the image is made again
	withEnv := build(t, fresh, r)
	alone.Env = fresh.Env
	digests = append(digests, want.Digest, build(t, alone, r).Digest)
	if digests[0] != digests[1] || digests[2] != withEnv.Digest {
		t.Errorf("the same inputs make %v and %v", digests, withEnv.Digest)
	}
}

func configOf(t *testing.T, r *registry.Client, image string) string {
	t.Helper()
	reference, err := r.Parse(image)
	must(t, err)
	there, err := remote.Image(reference, options(t, r)...)
	must(t, err)
	digest, err := there.ConfigName()
	must(t, err)
	return digest.Hex
}

// Nothing of a layer that was damaged in transit is cached.
func TestBaseWithAWrongLayer(t *testing.T) {
	t.Parallel()
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	r := serve(t, f)
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	s.Base = rootBase(t, r, "bases/one", nil, official("3.12.4", "2.36"))
	var manifest v1.Manifest
	f.InterceptWith(func(_ int, w http.ResponseWriter, q *http.Request) bool {
		if !strings.Contains(q.URL.Path, "/blobs/") || q.Method != http.MethodGet || len(manifest.Layers) == 0 || !strings.HasSuffix(q.URL.Path, manifest.Layers[0].Digest.String()) {
			return false
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), int(manifest.Layers[0].Size)))
		return true
	})
	reference, err := r.Parse(s.Base)
	must(t, err)
	descriptor, err := remote.Get(reference, options(t, r)...)
	must(t, err)
	must(t, json.Unmarshal(descriptor.Manifest, &manifest))
	if err := refused(t, s, r); err == nil {
		t.Error("a layer with another digest is believed")
	}
	kept, err := os.ReadDir(filepath.Join(cacheDir(s.Dir), "bases"))
	must(t, err)
	for _, k := range kept {
		if strings.HasPrefix(k.Name(), manifest.Layers[0].Digest.Hex) {
			t.Error("it is kept")
		}
	}
}

// If there are too many contents, small ones share layers, and a change of one affects only
// the layer that it is in.
func TestLimitLayers(t *testing.T) {
	contents := make([]*content, 71)
	for n := range contents {
		contents[n] = &content{description: fmt.Sprintf("requirements: p%d", n), fingerprint: fmt.Sprint(n), bytes: int64(n) << 20,
			entries: []entry{{name: fmt.Sprintf("/opt/venv/p%d", n)}}, parents: []directory{{"/opt", 0o755, Owner{}}, {"/opt/venv", 0o755, Owner{}}}}
	}
	if got := limitLayers(contents, 71); len(got) != 71 {
		t.Errorf("with room for all there are %d", len(got))
	}
	before := limitLayers(contents, 20)
	names := map[string]bool{}
	for _, c := range before {
		for _, e := range c.entries {
			names[e.name] = true
		}
		if len(c.parents) != 2 {
			t.Errorf("%s has the parents %v", c.description, c.parents)
		}
	}
	if len(before) > 20 || len(names) != 71 {
		t.Errorf("%d layers hold %d files", len(before), len(names))
	}
	changed := *contents[3]
	changed.fingerprint = "new"
	contents[3] = &changed
	moved := 0
	for n, c := range limitLayers(contents, 20) {
		if c.fingerprint != before[n].fingerprint {
			moved++
		}
	}
	if moved != 1 {
		t.Errorf("%d layers change", moved)
	}
}

// A base with many layers, together with large files, does not make an image that runtimes
// refuse.
func TestLayerLimitIncludesTheBase(t *testing.T) {
	t.Parallel()
	r := memory(t)
	layers := make([][]node, 125)
	for n := range layers {
		layers[n] = []node{{name: fmt.Sprintf("f%d", n), kind: tar.TypeReg, text: fmt.Sprint(n)}}
	}
	tree := files{}
	for n := range 8 {
		tree[fmt.Sprintf("data/%d", n)] = strings.Repeat(fmt.Sprint(n), largeFile)
	}
	s := filesSpec(tree.write(t), "data")
	s.Base = rootBase(t, r, "bases/many", nil, layers...)
	made := build(t, s, r)
	if made.Layers != maxLayers {
		t.Errorf("the image has %d layers", made.Layers)
	}
	if got := len(owned(t, made.V1, 125)); got != 10 {
		t.Errorf("%d files and directories are there", got)
	}
	s.Base = rootBase(t, r, "bases/full", nil, append(layers, layers[:2]...)...)
	wantSourceError(t, refused(t, s, r), "has 127 layers, and container runtimes support at most 127")
}

// A base in another registry is fetched once: it is read while it is sent. If the upload of
// a layer fails once, one more fetch is enough.
func TestBaseFromAnotherRegistryIsFetchedOnce(t *testing.T) {
	t.Parallel()
	elsewhere := &registrytest.Faults{Next: registrytest.InMemory()}
	base := rootBase(t, serve(t, elsewhere), "bases/far", nil, []node{dir("app", 0o750, 7, 7)}, []node{{name: "large", kind: '0', text: strings.Repeat("0123456789", 100_000)}})
	for what, refused := range map[string]int32{"whole": 0, "interrupted": 1} {
		var left atomic.Int32
		left.Store(refused)
		to := &registrytest.Faults{Next: registrytest.InMemory()}
		to.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/blobs/") || left.Add(-1) < 0 {
				return false
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		r := serve(t, to)
		s := filesSpec(files{"a": "1"}.write(t), "a")
		s.Base = base
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		elsewhere.InterceptWith(nil)
		pushed, err := Push(t.Context(), r, recipe, nil, nil)
		must(t, err)
		requests, _ := elsewhere.Log()
		fetched := 0
		for _, request := range requests {
			if strings.HasPrefix(request, "GET ") && strings.Contains(request, "/blobs/") {
				fetched++
			}
		}
		if fetched > 3+int(refused) { // the configuration and two layers
			t.Errorf("%s: %d blobs are fetched: %v", what, fetched, requests)
		}
		there, err := remote.Get(pushed.Reference, options(t, r)...)
		must(t, err)
		must(t, whole(there))
		image, err := there.Image()
		must(t, err)
		if got := owned(t, image, 2); !strings.Contains(got["/app/"]+got["/app"], "750") {
			t.Errorf("%s: what the base has is not known: %v", what, got)
		}
	}
}
