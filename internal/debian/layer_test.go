package debian

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/debian/debiantest"
)

func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// write returns the layer of packages on a base, and its entries as text.
func write(t *testing.T, base *Base, debs ...debiantest.Deb) ([]byte, map[string]string, error) {
	t.Helper()
	texts := map[string][]byte{}
	layer := &Layer{Base: base, Open: func(_ context.Context, p *Package) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(texts[p.Name])), nil
	}}
	for _, d := range debs {
		texts[d.Name] = d.Bytes(t)
		architecture := "amd64"
		if d.Architecture != "" {
			architecture = d.Architecture
		}
		layer.Packages = append(layer.Packages, &Package{Name: d.Name, Version: d.Version, Architecture: architecture})
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := layer.Write(t.Context(), w); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(b.Bytes())); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.Bytes(), all, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[h.Name]; twice {
			t.Errorf("%s is there twice", h.Name)
		}
		all[h.Name] = fmt.Sprintf("%o %s%s", h.Mode, h.Linkname, text)
	}
}

func TestLayer(t *testing.T) {
	t.Parallel()
	r := &debiantest.Repository{Key: debiantest.NewKey(t)}
	files := r.Base(t, "http://a.test", libc)
	files["etc/dpkg/dpkg.cfg.d/docker"] = "path-exclude /usr/share/doc/*\npath-include = /usr/share/doc/*/copyright\n"
	files["var/lib/dpkg/alternatives/pager"] = "auto\n/usr/bin/pager\npager.1.gz\n/usr/share/man/man1/pager.1.gz\n\n/usr/bin/more\n50\n/usr/share/man/man1/more.1.gz\n\n"
	files["etc/alternatives/pager"] = "->/usr/bin/more"
	base := readBase(t, files)
	less := debiantest.Deb{Name: "less", Version: "1", Files: map[string]string{"usr/bin/less": "less", "etc/less.conf": "conf", "usr/share/doc/less/README": "read", "usr/share/doc/less/copyright": "free"},
		Control: map[string]string{"conffiles": "/etc/less.conf\n", "postinst": "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n  update-alternatives --quiet --install /usr/bin/pager pager \\\n /usr/bin/less 77 --slave /usr/share/man/man1/pager.1.gz pager.1.gz /usr/share/man/man1/less.1.gz\n  ldconfig\nfi\n" +
			"update-alternatives --install /usr/share/doc/pages pages /usr/share/doc/less/README 10\n"}} // what is left out
	text, got, err := write(t, base, less, libgl, glvnd)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"usr/bin/less": "755 less", "etc/less.conf": "644 conf", "usr/share/doc/less/copyright": "644 free",
		"usr/lib/x86_64-linux-gnu/libGL.so.1":         "777 libGL.so.1.7",
		"usr/lib/x86_64-linux-gnu/libGLdispatch.so.0": "644 dispatch", // below /lib, which is a link in the base
		"usr/bin/pager":                       "777 /etc/alternatives/pager",
		"etc/alternatives/pager":              "777 /usr/bin/less",
		"etc/alternatives/pager.1.gz":         "777 /usr/share/man/man1/less.1.gz",
		"var/lib/dpkg/alternatives/pager":     "644 auto\n/usr/bin/pager\npager.1.gz\n/usr/share/man/man1/pager.1.gz\n\n/usr/bin/less\n77\n/usr/share/man/man1/less.1.gz\n/usr/bin/more\n50\n/usr/share/man/man1/more.1.gz\n\n",
		"var/lib/dpkg/info/less.conffiles":    "644 /etc/less.conf\n",
		"var/lib/dpkg/info/libgl1:amd64.list": "644 /.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/libGL.so.1\n/usr/lib/x86_64-linux-gnu/libGL.so.1.7\n/usr/share\n/usr/share/doc\n/usr/share/doc/libgl1\n/usr/share/doc/libgl1/copyright\n",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if _, there := got["usr/share/doc/less/README"]; there {
		t.Error("a file that dpkg's configuration leaves out is there")
	}
	for name := range got {
		if strings.HasSuffix(name, "/pages") {
			t.Errorf("the alternative %s is there, and it is left out", name)
		}
	}
	if _, there := got["lib/"]; there {
		t.Error("a directory replaces a link of the base")
	}
	status := got["var/lib/dpkg/status"]
	for _, want := range []string{"Package: libc6\nStatus: install ok installed\n", "\n\nPackage: less\nStatus: install ok installed\nVersion: 1\n", "Conffiles:\n /etc/less.conf 3a8e4c06e471595f6eb262bb9b5582d9\n", "Package: libglvnd0\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status has no %q:\n%s", want, status)
		}
	}
	// The same packages are the same bytes, on every machine.
	if sum := fmt.Sprintf("%x", sha256.Sum256(text)); sum != "cd750184b699af50a6d5af6153183587ee7b659a3e81fc47ded68f51c4700262" {
		t.Errorf("the layer has the hash %s; if that is right, increase image.systemVersion", sum)
	}
	// A base that has changed has what is locked, in this version or another, or lacks something.
	if _, got, err := write(t, readBase(t, r.Base(t, "http://a.test", libc, glvnd)), libgl, glvnd); err != nil || got["usr/lib/x86_64-linux-gnu/libGLdispatch.so.0"] != "" {
		t.Error(got, err)
	}
	newer := glvnd
	newer.Version = "2"
	for want, base := range map[string]*Base{
		"the base has changed: it has libglvnd0 2 now, and slipway.lock has 1:1.6-1+b1":                 readBase(t, r.Base(t, "http://a.test", libc, newer)),
		"the packages of slipway.lock do not fit the base any more: libgl1 1.6-1 needs libc6 (>= 2.34)": readBase(t, r.Base(t, "http://a.test")),
	} {
		if _, _, err := write(t, base, libgl, glvnd); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"#!/bin/sh\nset -e\nldconfig\n": "",
		"#!/bin/sh\nif [ \"$1\" = \"configure\" ] && [ -z \"$2\" ]; then echo hello >&2; fi\nexit 0\n": "",
		"#!/bin/sh\ndpkg-maintscript-helper rm_conffile /etc/x 1~ -- \"$@\"\n":                         "",
		"#!/bin/sh\nf() { fc-cache -s >/var/log/x 2>&1; }\ncase \"$1\" in a|b) f ;; *) : ;; esac\n":    "",
		"#!/bin/sh\nadduser --system x\n":                           "line 2 has adduser",
		"#!/bin/sh\n# adduser\nx=$(date)\n":                         "line 3 has date",
		"#!/bin/sh\ntrue && \\\n  `chmod 4755 /bin/x`\n":            "line 3 has chmod",
		"#!/bin/sh\n$PROGRAM\n":                                     "line 2 has $PROGRAM",
		"#!/bin/sh\necho a > /etc/a\n":                              "line 2 has echo > /etc/a",
		"#!/bin/sh\ncat <<E >/etc/b\nx\nE\n":                        "line 2 has cat > /etc/b",
		"#!/bin/sh\n. /usr/share/debconf/confmodule\n":              "line 2 has questions to the user (debconf)",
		"#!/bin/sh\nfind / -name x -delete\n":                       "line 2 has find",
		"#!/bin/sh\nfind / -name x\n":                               "",
		"#!/usr/bin/perl\nprint 1\n":                                "it is not a shell script",
		"\x7fELF":                                                   "it is not a shell script",
		"#!/bin/sh\nif true; then \"\n":                             "it is not a plain shell script",
		"#!/bin/sh\nupdate-alternatives --install /a/../b x /c 1\n": "line 2 has update-alternatives with /a/../b x /c 1",
		"#!/bin/sh\nupdate-alternatives --install \"$A\" x /c 1\n":  "line 2 has update-alternatives with $A",
		// As the scripts of Debian 13 have it, for files of packages before /usr was merged.
		"#!/bin/sh\ndpkg-divert --package a --no-rename --divert \"/lib/$lib.usr-is-merged\" --add \"/lib/$lib\"\n":       "",
		"#!/bin/sh\nif [ \"$(dpkg-divert --truename \"/bin/$tool\")\" = /bin/x ]; then dpkg-divert --remove /bin/x; fi\n": "",
		"#!/bin/sh\ndpkg-divert --package a --divert /bin/x.real --rename --add /bin/x\n":                                 "line 2 has dpkg-divert",
		"#!/bin/sh\nif [ -n \"$2\" ]; then chmod +x \"/etc/init.d/x\" >/dev/null || true; fi\n":                           "",
		"#!/bin/sh\nchmod +x /etc/init.d/x /bin/x\n":                                                                      "line 2 has chmod",
		"#!/bin/sh\nchmod +x /etc/init.d/../../bin/x\n":                                                                   "line 2 has chmod",
		"#!/bin/sh\nchmod +x\n":                       "line 2 has chmod",
		"#!/bin/sh\nupdate-alternatives --set x /c\n": "line 2 has update-alternatives --set",
	} {
		_, err := judge("a", map[string][]byte{"postinst": []byte(script)}, false)
		switch {
		case want == "" && err == nil:
		case want == "" || err == nil || err.Error() != "the package a needs its script postinst, which slipway does not run: "+want:
			t.Errorf("%q: %v, want %s", script, err, want)
		}
	}
}

// hostile returns a package whose data has one entry.
func hostile(t testing.TB, h *tar.Header, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h.Size = int64(len(text))
	if err := errors.Join(w.WriteHeader(h), func() error { _, err := io.WriteString(w, text); return err }(), w.Close()); err != nil {
		t.Fatal(err)
	}
	control := debiantest.Tar(t, map[string]string{"control": "Package: a\nVersion: 1\nArchitecture: amd64\n"})
	return debiantest.Archive(t, "debian-binary", []byte("2.0\n"), "control.tar", control, "data.tar", b.Bytes())
}

// Packages with what no real package has are refused.
func TestHostilePackages(t *testing.T) {
	t.Parallel()
	r := &debiantest.Repository{Key: debiantest.NewKey(t)}
	base := readBase(t, r.Base(t, "http://a.test"))
	control := debiantest.Tar(t, map[string]string{"control": "Package: a\nVersion: 1\nArchitecture: amd64\n"})
	data := debiantest.Tar(t, map[string]string{"a": "a"})
	good := debiantest.Archive(t, "debian-binary", []byte("2.0\n"), "control.tar", control, "data.tar", data)
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"no archive":       {[]byte("no"), "it is not a Debian package"},
		"empty":            {debiantest.Archive(t), "the package is not complete"},
		"other format":     {debiantest.Archive(t, "debian-binary", []byte("3.0\n")), "the package is of the format"},
		"data first":       {debiantest.Archive(t, "debian-binary", []byte("2.0\n"), "data.tar", data), "the package has its files before its control files"},
		"data twice":       {debiantest.Archive(t, "debian-binary", []byte("2.0\n"), "control.tar", control, "data.tar", data, "data.tar", data), "the package has data.tar twice"},
		"compressed oddly": {debiantest.Archive(t, "debian-binary", []byte("2.0\n"), "control.tar.lz", control), "is compressed in a way that is not supported"},
		"cut short":        {good[:len(good)-600], "unexpected EOF"},
		"another package":  {debiantest.Deb{Name: "b", Version: "1"}.Bytes(t), "it is b 1 for amd64"},
		"out of the image": {hostile(t, &tar.Header{Name: "./../etc/passwd", Mode: 0o644}, "x"), `a file of the name "./../etc/passwd"`},
		"a whiteout":       {hostile(t, &tar.Header{Name: "./etc/.wh.passwd", Mode: 0o644}, ""), `a file of the name "./etc/.wh.passwd"`},
		"a line":           {hostile(t, &tar.Header{Name: "./a\nb", Mode: 0o644}, ""), "a file of the name"},
		"a device":         {hostile(t, &tar.Header{Typeflag: tar.TypeBlock, Name: "./dev/sda", Mode: 0o644}, ""), "such as a device"},
		"a link elsewhere": {hostile(t, &tar.Header{Typeflag: tar.TypeLink, Name: "./a", Linkname: "./etc/shadow"}, ""), "it is a hard link to /etc/shadow, which is not a file of the package"},
		"the list of dpkg": {hostile(t, &tar.Header{Name: "./var/lib/dpkg/status", Mode: 0o644}, "x"), "the packages a and dpkg both have /var/lib/dpkg/status"},
	} {
		layer := &Layer{Base: base, Packages: []*Package{{Name: "a", Version: "1", Architecture: "amd64"}}, Open: func(context.Context, *Package) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(c.text)), nil
		}}
		err := layer.Write(t.Context(), tar.NewWriter(io.Discard))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	// Two packages with one file are refused, too.
	one, two := debiantest.Deb{Name: "one", Version: "1", Files: map[string]string{"a": "1"}}, debiantest.Deb{Name: "two", Version: "1", Files: map[string]string{"a": "2"}}
	if _, _, err := write(t, base, one, two); err == nil || !strings.Contains(err.Error(), "the packages one and two both have /a") {
		t.Error(err)
	}
}

func FuzzDeb(f *testing.F) {
	f.Add(debiantest.Deb{Name: "a", Version: "1", Files: map[string]string{"a": "a"}}.Bytes(f))
	f.Add(hostile(f, &tar.Header{Name: "./a", Mode: 0o644}, "x"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = readDeb(bytes.NewReader(text), func(files map[string][]byte) error {
			_, _ = readUnpacked(&Package{}, files, false)
			return nil
		}, discard)
	})
}
