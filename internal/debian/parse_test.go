package debian

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/rootfs"
)

// realVersion matches versions that dpkg reads without a complaint.
var realVersion = lazyregexp.New(`^([0-9]{1,6}:)?[0-9][0-9A-Za-z.+~]*(-[0-9A-Za-z.+~]+)?$`)

func TestParagraphs(t *testing.T) {
	t.Parallel()
	read := func(text string) (all []paragraph, err error) {
		err = readParagraphs(strings.NewReader(text), nil, func(p paragraph) error { all = append(all, p); return nil })
		return all, err
	}
	got, err := read("# a comment\nPackage: a\nDescription: one\n two\n .\n three\n\n\nPACKAGE:b\r\n")
	want := []paragraph{{"package": "a", "description": "one\ntwo\n.\nthree"}, {"package": "b"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for text, why := range map[string]string{
		" continued\n": "line 1: a continuation line without a field", "a: b\nno field\n": "line 2 is not a field", ": b": "line 1 is not a field",
		"a: " + strings.Repeat("x", maxLine+1): "line 1: it has more than 4 MiB",
	} {
		if _, err := read(text); err == nil || err.Error() != why {
			t.Errorf("%.20q: %v, want %s", text, err, why)
		}
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	groups, err := parseRelations("libc6 (>= 2.34), libblas3 | libblas.so.3:any (= 3),, perl:any(<1)")
	want := []string{"libc6 (>= 2.34)", "libblas3 | libblas.so.3:any (= 3)", "perl:any (<= 1)"}
	var got []string
	for _, g := range groups {
		got = append(got, g.String())
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, text := range []string{"a (1)", "a b", "(= 1)", "a (= 1"} {
		if _, err := parseRelations(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"/var/lib/dpkg/status":              {},
		"/etc/apt/sources.list":             []byte("# old\ndeb [arch=amd64,arm64 signed-by=/k.gpg check-valid-until=no] http://a.test/debian stable main contrib # here\ndeb-src http://a.test/debian stable main\ndeb [arch=i386] http://b.test stable main\ndeb cdrom:[x]/ stable main\ndeb http://c.test/$(ARCH) ./\n"),
		"/etc/apt/sources.list.d/d.sources": []byte("Types: deb deb-src\nURIs: https://d.test/debian\nSuites: stable stable-updates\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\nEnabled: no\nTypes: deb\nURIs: http://e.test\nSuites: x\n"),
		"/etc/apt/sources.list.d/no.txt":    []byte("not read"),
	}
	b, err := ReadBase(rootfs.Merge(&rootfs.Layer{Files: files}), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	found, err := b.Sources()
	if err != nil {
		t.Fatal(err)
	}
	sources := found.list
	var got []string
	for _, s := range sources {
		got = append(got, strings.Join(append([]string{s.String()}, s.components...), " ")+" by "+strings.Join(s.signedBy, " "))
	}
	key := "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n"
	want := []string{"http://a.test/debian stable main contrib by /k.gpg", "http://c.test/amd64 ./ by ", "https://d.test/debian stable main by " + key, "https://d.test/debian stable-updates main by " + key}
	if diff := cmp.Diff(want, got); diff != "" || !sources[0].anyAge || sources[1].anyAge {
		t.Error(diff)
	}
}

func FuzzParagraphs(f *testing.F) {
	f.Add("Package: a\nDepends: b\n c\n\nPackage: d\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_ = readParagraphs(strings.NewReader(text), nil, func(p paragraph) error {
			one, err := newPackage(p)
			if err == nil {
				_, _ = one.needs()
				_ = one.provides()
			}
			return nil
		})
	})
}

func FuzzSources(f *testing.F) {
	f.Add("deb [arch=amd64] http://a.test stable main\n")
	f.Add("Types: deb\nURIs: http://a.test\nSuites: stable\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = readSourceLines([]byte(text), "amd64")
		_, _ = readSourceParagraphs([]byte(text), "amd64")
	})
}

func FuzzScript(f *testing.F) {
	f.Add("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n update-alternatives --install /a b /c 10 \\\n --slave /d e /f\nfi\n")
	f.Add("#!/bin/sh\ncase $1 in\na|b) x=$(ls `pwd`) ;;\n*) cat <<E >/dev/null\nhere\nE\nesac\nf() { f; }\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = judge("a", map[string][]byte{"postinst": []byte(text)}, false)
	})
}
