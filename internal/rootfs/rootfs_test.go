package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// file is an entry of an archive.
type file struct {
	name, link, text string
	kind             byte
	mode             int64
	uid              int
}

func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if f.kind == 0 {
			f.kind = tar.TypeReg
		}
		h := &tar.Header{Name: f.name, Linkname: f.link, Typeflag: f.kind, Mode: f.mode, Uid: f.uid, Size: int64(len(f.text))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t *testing.T, files ...file) *Layer {
	t.Helper()
	l, err := Read(bytes.NewReader(archive(t, files...)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCompressions(t *testing.T) {
	plain := archive(t, file{name: "./tmp/", kind: tar.TypeDir, mode: 0o1777})
	var zipped, standard bytes.Buffer
	z := gzip.NewWriter(&zipped)
	s, err := zstd.NewWriter(&standard)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{z, s} {
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for what, text := range map[string][]byte{"plain": plain, "gzip": zipped.Bytes(), "zstd": standard.Bytes()} {
		l, err := Read(bytes.NewReader(text))
		if err != nil || l.Nodes["/tmp"] != (Node{Kind: Directory, Mode: 0o1777}) {
			t.Errorf("%s: %+v, %v", what, l, err)
		}
	}
	if _, err := Read(bytes.NewReader([]byte("no archive at all, and long enough to be asked for a header"))); err == nil {
		t.Error("what is no archive is read")
	}
}

func TestWhiteoutsHideFilesBelow(t *testing.T) {
	dir := func(name string) file { return file{name: name, kind: tar.TypeDir, mode: 0o755} }
	fs := Merge(
		read(t, dir("a"), dir("a/b"), dir("a/b/c"), dir("gone"), dir("gone/x"), dir("opaque"), dir("opaque/old"), dir("replaced"), dir("replaced/x")),
		read(t, file{name: ".wh.gone"}, dir("opaque"), dir("opaque/new"), file{name: "opaque/.wh..wh..opq"}, file{name: "replaced", kind: tar.TypeSymlink, link: "a"}, file{name: "a/b/.wh.c"}),
	)
	for name, want := range map[string]bool{"/a": true, "/a/b": true, "/a/b/c": false, "/gone": false, "/gone/x": false, "/opaque": true, "/opaque/old": false, "/opaque/new": true, "/replaced": true, "/replaced/x": false} {
		if _, ok := fs.Node(name); ok != want {
			t.Errorf("%s is there: %v", name, ok)
		}
	}
}

func TestReal(t *testing.T) {
	link := func(name, to string) file { return file{name: name, kind: tar.TypeSymlink, link: to} }
	fs := Merge(read(t, file{name: "run", kind: tar.TypeDir}, link("var/run", "/run"), link("opt", "usr/local/opt"), link("usr/local/opt", "../../srv"), link("loop", "loop"), link("up", "../../../etc")))
	for name, want := range map[string]string{
		"/var/run/job": "/run/job", "/opt/job": "/srv/job", "/opt": "/srv", "/loop/x": "/loop/x", "/up/x": "/etc/x", "/none/x": "/none/x", "/": "/",
	} {
		if got := fs.Real(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	link := func(name, to string) file { return file{name: name, kind: tar.TypeSymlink, link: to} }
	dir := func(name string) file { return file{name: name, kind: tar.TypeDir, mode: 0o750} }
	fs := Merge(read(t, dir("srv"), dir("srv/opt"), link("opt", "srv/opt"), dir("home"), dir("home/me"), dir("other"), link("loop", "loop")))
	part := fs.Excerpt([]string{"/opt/job/src", "/home/me/src", "/loop/x"}).FS()
	for name, want := range map[string]string{"/opt/job/src": "/srv/opt/job/src", "/opt/job": "/srv/opt/job", "/home/me/src/deep": "/home/me/src/deep", "/loop/x": "/loop/x"} {
		if got := part.Real(name); got != want || fs.Real(name) != want || part.Lacks() {
			t.Errorf("%s is %s, want %s; lacking %v", name, got, want, part.Lacks())
		}
	}
	if n, ok := part.Node("/home/me"); !ok || n.Mode != 0o750 {
		t.Errorf("/home/me is %+v, %v", n, ok)
	}
	if part.Real("/other/x"); !part.Lacks() {
		t.Error("nobody knows of /other")
	}
}

const (
	elfGlibc = "\x7fELF/lib64/ld-linux-x86-64.so.2\x00"
	elfMusl  = "\x7fELF/lib/ld-musl-x86_64.so.1\x00"
)

func TestPythons(t *testing.T) {
	dir := func(name string) file { return file{name: name, kind: tar.TypeDir, mode: 0o755} }
	fs := Merge(read(t,
		file{name: "usr/bin/python3.11", mode: 0o755, text: elfGlibc}, file{name: "usr/bin/python3", kind: tar.TypeSymlink, link: "python3.11"}, dir("usr/lib/python3.11"), dir("usr/lib/python3.11/encodings"),
		file{name: "opt/app-root/bin/python3", kind: tar.TypeSymlink, link: "/usr/bin/python3"}, dir("opt/app-root/lib/python3.11"),
		file{name: "usr/local/bin/python3.12", mode: 0o755, text: elfGlibc}, file{name: "usr/local/bin/python3", kind: tar.TypeSymlink, link: "python3.12"}, dir("usr/local/lib/python3.12"),
		file{name: "opt/conda/bin/python", mode: 0o755, text: elfGlibc}, dir("opt/conda/lib/python3.10"),
		file{name: "srv/python3", kind: tar.TypeSymlink, link: "/usr/bin/python3"},
		file{name: "usr/share/doc/python3", mode: 0o644},
		file{name: "usr/lib/x86_64-linux-gnu/libc.so.6", mode: 0o755, text: "...GNU C Library (Debian GLIBC 2.31-13+deb11u11) stable release version 2.31.\nCopyright"},
	))
	const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
	for _, c := range []struct {
		got  func() (Python, bool)
		want Python
	}{
		{func() (Python, bool) { return fs.OnPath(path, "") }, Python{"/usr/local/bin/python3", "3.12"}},
		{func() (Python, bool) { return fs.OnPath(path, "3.11") }, Python{"/usr/bin/python3", "3.11"}},
		{func() (Python, bool) { return fs.OnPath(path, "3.9") }, Python{}},
		{func() (Python, bool) { return fs.OnPath("relative:/opt/conda/bin", "") }, Python{"/opt/conda/bin/python", "3.10"}},
		{func() (Python, bool) { return fs.Python("/srv/python3") }, Python{"/usr/bin/python3.11", "3.11"}},
		{func() (Python, bool) { return fs.Python("/usr/bin/python3") }, Python{"/usr/bin/python3", "3.11"}},
		{func() (Python, bool) { return fs.OnPath("/opt/app-root/bin:"+path, "") }, Python{"/usr/bin/python3.11", "3.11"}}, // a virtual environment
		{func() (Python, bool) { return fs.Python("/usr/bin/python3.9") }, Python{}},
		{func() (Python, bool) { return fs.Python("/usr/share/doc/python3") }, Python{}},
	} {
		if got, ok := c.got(); got != c.want || ok != (c.want != Python{}) {
			t.Errorf("it is %+v, %v, want %+v", got, ok, c.want)
		}
	}
	if diff := cmp.Diff([]Python{{"/opt/conda/bin/python", "3.10"}, {"/usr/bin/python3.11", "3.11"}, {"/usr/local/bin/python3.12", "3.12"}}, fs.Pythons()); diff != "" {
		t.Error(diff)
	}
	if got, ok := fs.Libc("/usr/bin/python3"); !ok || got != (Libc{Glibc, 31}) {
		t.Errorf("the C library is %v, %v", got, ok)
	}
}

func TestLibc(t *testing.T) {
	python := func(text string) file { return file{name: "usr/bin/python3.12", mode: 0o755, text: text} }
	musl := file{name: "lib/ld-musl-x86_64.so.1", mode: 0o755, text: "\x7fELF...\x001.2.5\x00musl libc (x86_64)\nVersion %s\n\x00"}
	gnu := file{name: "lib/x86_64-linux-gnu/libc-2.28.so", mode: 0o755}
	for what, c := range map[string]struct {
		files []file
		want  Libc
	}{
		"Alpine":           {[]file{python(elfMusl), musl}, Libc{Musl, 2}},
		"an old Debian":    {[]file{python(elfGlibc), gnu, {name: "lib/x86_64-linux-gnu/libc.so.6", kind: tar.TypeSymlink, link: "libc-2.28.so"}}, Libc{Glibc, 28}},
		"both, linked GNU": {[]file{python(elfGlibc), musl, gnu}, Libc{Glibc, 28}},
		"both, musl":       {[]file{python(elfMusl), musl, gnu}, Libc{Musl, 2}},
		"none":             {[]file{python(elfGlibc)}, Libc{}},
	} {
		got, ok := Merge(read(t, c.files...)).Libc("/usr/bin/python3.12")
		if got != c.want || ok != (c.want != Libc{}) {
			t.Errorf("%s: %v, %v", what, got, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := Read(bytes.NewReader(text)); err == nil {
			Merge(l).Real("/a/b")
		}
	})
}
