package debian

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/rootfs"
)

// pinsOf returns the pins of a base with a file of preferences, or the error.
func pinsOf(t *testing.T, text string) (pins, error) {
	t.Helper()
	return readPins(rootfs.Merge(&rootfs.Layer{Files: map[string][]byte{preferencesFile: []byte(text), preferencesDir + "/no.bak": []byte("not read")}}))
}

// TestPins asks for the rank of a version as apt_preferences(5) says.
func TestPins(t *testing.T) {
	t.Parallel()
	from := origin{"deb.example.com", "main", &release{rank: 500, labels: map[string]string{"a": "stable", "n": "bookworm", "v": "12.5", "o": "Debian", "l": "Debian-Security"}}}
	one := &Package{Name: "libgl1", Version: "1.6-1", source: "libglvnd"}
	const all = "Package: *\nPin: release a=stable\nPin-Priority: 900\n\n"
	for text, want := range map[string]int{
		"": 500, all: 900,
		"Explanation: none\n\n" + all:                                                                                       900,
		strings.Replace(all, "a=stable", "a=testing", 1):                                                                    500,
		strings.Replace(all, "a=stable", "bookworm", 1):                                                                     900,
		strings.Replace(all, "a=stable", "12*", 1):                                                                          900,
		strings.Replace(all, "a=stable", "*", 1):                                                                            900,
		strings.Replace(all, "a=stable", "o=Debian, l=Debian-Security,c=main", 1):                                           900,
		strings.Replace(all, "a=stable", "o=Debian,c=contrib", 1):                                                           500,
		strings.Replace(all, "release a=stable", "origin \"deb.example.com\"", 1):                                           900,
		strings.Replace(all, "release a=stable", "origin other.example.com", 1):                                             500,
		all + "Package: libgl1 libx\nPin: version 1.6*\nPin-Priority: 1001\n":                                               1001,
		all + "Package: libgl1\nPin: version 1.7*\nPin-Priority: 1001\n":                                                    900,
		all + "Package: lib*\nPin: release n=/^book/\nPin-Priority: -1\n":                                                   -1,
		all + "Package: /^libg[a-m]/\nPin: release *\nPin-Priority: 7\n":                                                    7,
		all + "Package: src:libglvnd:any\nPin: release *\nPin-Priority: 8\n":                                                8,
		all + "Package: libgl1:amd64\nPin: release *\nPin-Priority: 9\n\n" + all:                                            9,
		"Package: libgl1\nPin: release *\nPin-Priority: 1\n\n" + all + "Package: libgl1\nPin: release *\nPin-Priority: 2\n": 1,
	} {
		found, err := pinsOf(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := found.rank(one, from); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"Package: a\nPin: release *\n":                      `the priority "" of a is not a number`,
		"Package: a\nPin: releas *\nPin-Priority: 1\n":      `"releas *" is not a pin of a release`,
		"Package: /[/\nPin: release *\nPin-Priority: 1\n":   "/[/ is not a regular expression",
		"Package: a\nPin: release n=/[/\nPin-Priority: 1\n": "/[/ is not a regular expression",
		"no\n": "line 1 is not a field",
	} {
		_, err := pinsOf(t, text)
		if wrong := new(Error); !errors.As(err, &wrong) || !strings.Contains(wrong.Message, "has pins of apt that cannot be read: /etc/apt/preferences: "+want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestPinnedPackages resolves packages on a base that pins them: one to an older version, and one to none.
func TestPinnedPackages(t *testing.T) {
	t.Parallel()
	newer, other := glvnd, debiantest.Deb{Name: "other", Version: "1"}
	newer.Version = "1:9"
	r := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd, newer, other)
	files := r.Base(t, r.Serve(t), libc)
	files["etc/apt/preferences.d/glvnd.pref"] = "Package: libglvnd0\nPin: version 1:1.6*\nPin-Priority: 990\n\nPackage: other\nPin: release o=Test\nPin-Priority: -10\n"
	base := readBase(t, files)
	found, err := resolveOn(t.Context(), newFetcher(t), base, []string{"libgl1"}, nil, nil)
	if err != nil || len(found) != 2 || found[1].Version != glvnd.Version {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := resolveOn(t.Context(), newFetcher(t), base, []string{"other"}, nil, nil); err == nil || !strings.Contains(err.Error(), "there is no package other") {
		t.Error(err)
	}
}

func FuzzPins(f *testing.F) {
	f.Add("Package: a b\nPin: release a=stable, n=/x/\nPin-Priority: 5\n")
	f.Fuzz(func(_ *testing.T, text string) {
		var all pins
		if readParagraphs(strings.NewReader(text), nil, all.add) == nil {
			_ = all.rank(&Package{Name: "a", Version: "1"}, origin{release: &release{}})
		}
	})
}
