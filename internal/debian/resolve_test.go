package debian

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

// baseWith returns a base with a dpkg status.
func baseWith(t *testing.T, status string) *Base {
	t.Helper()
	b, err := ReadBase(rootfs.Merge(&rootfs.Layer{Files: map[string][]byte{statusFile: []byte(status)}}), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// indexOf returns packages of paragraphs that need not say where their files are.
func indexOf(t *testing.T, text string, rank int) *universe {
	t.Helper()
	all := newUniverse()
	addIndex(t, all, text, rank)
	return all
}

func addIndex(t *testing.T, all *universe, text string, rank int) {
	t.Helper()
	same := func(*Package) int { return rank }
	for part := range strings.SplitSeq(text, "\n\n") {
		part = strings.TrimSpace(part) + "\nArchitecture: amd64\nFilename: pool/x.deb\nSize: 1\nSHA256: " + strings.Repeat("0", 64) + "\n"
		if err := readIndex(strings.NewReader(part), "http://a.test", "amd64", same, all); err != nil {
			t.Fatal(err)
		}
	}
}

const installedLibc = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nProvides: libc-bin-api (= 2)\n\n" +
	"Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n" +
	"Package: old\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nBreaks: young (<< 2)\n"

func TestResolve(t *testing.T) {
	t.Parallel()
	index := `Package: libgl1
Version: 1.6-1
Depends: libc6 (>= 2.34), libglvnd0 (= 1.6-1)

Package: libglvnd0
Version: 1.6-1

Package: libglvnd0
Version: 1.5-1

Package: pre
Version: 1
Pre-Depends: libglvnd0
Depends: libc-bin-api (= 2)

Package: new
Version: 1
Depends: libc6 (>= 2.37)

Package: nothing
Version: 1
Depends: nowhere (>= 1)

Package: blas
Version: 1
Priority: optional
Provides: libblas.so.3

Package: atlas
Version: 1
Priority: optional
Provides: libblas.so.3, versioned (= 3)

Package: sphinx
Version: 1
Depends: blas | libblas.so.3

Package: virtual
Version: 1
Depends: libblas.so.3

Package: strict
Version: 1
Depends: libblas.so.3 (>= 1) | versioned (>= 2)

Package: second
Version: 1
Depends: new | blas

Package: foe
Version: 1
Conflicts: blas

Package: foes
Version: 1
Depends: foe, blas

Package: young
Version: 1

Package: loop
Version: 1
Depends: pool

Package: pool
Version: 1
Depends: loop:any

Package: other
Version: 1
Depends: blas:i386

Package: gone
Version: 2`
	u := indexOf(t, index, 500)
	addIndex(t, u, "Package: blas\nVersion: 9~bpo", 100) // backports are not preferred
	base := baseWith(t, installedLibc)
	for _, c := range []struct{ names, want string }{
		{"libgl1", "libgl1 1.6-1, libglvnd0 1.6-1"}, {"libgl1 libglvnd0 libgl1", "libgl1 1.6-1, libglvnd0 1.6-1"},
		{"libc6", ""}, {"pre", "libglvnd0 1.6-1, pre 1"}, {"gone", "gone 2"}, {"loop", "loop 1, pool 1"},
		{"sphinx", "blas 1, sphinx 1"}, {"virtual", "atlas 1, virtual 1"}, {"strict", "atlas 1, strict 1"}, {"second", "blas 1, second 1"},
		{"new", "!new 1 needs libc6 (>= 2.37), and the base has libc6 2.36-9, which is never replaced (use a newer base; or install"}, {"nothing", "!nothing 1 needs nowhere (>= 1), which the repositories of the base do not have"},
		{"libgll", "!there is no package libgll for amd64 in the repositories of the base (did you mean libgl1?)"},
		{"libblas.so.3", "!libblas.so.3 is a virtual package (name one of the packages that provide it: atlas, blas)"},
		{"foes", "!blas 1 cannot be installed together with foe 1, which is needed, too: one of them conflicts with blas"},
		{"young", "!young 1 cannot be installed together with old 1, which the base has: one of them conflicts with young (<< 2)"},
		{"other", "!other 1 needs blas:i386"},
	} {
		found, err := resolve(t.Context(), strings.Fields(c.names), u, base, "the base", nil)
		if want, wrong := strings.CutPrefix(c.want, "!"); wrong {
			e := (*Error)(nil)
			if !errors.As(err, &e) {
				t.Errorf("%s: %v", c.names, err)
			} else if text := e.Message + " (" + e.Hint + ")"; !strings.Contains(text, want) || e.Package == "" {
				t.Errorf("%s: %s, want %s", c.names, text, want)
			}
			continue
		}
		var got []string
		for _, p := range found {
			got = append(got, p.Name+" "+p.Version)
		}
		if text := strings.Join(got, ", "); err != nil || text != c.want {
			t.Errorf("%s: %s, %v, want %s", c.names, text, err, c.want)
		}
	}
	// A version that is locked stays, though there is a newer one.
	found, err := resolve(t.Context(), []string{"libglvnd0"}, u, base, "the base", map[string]string{"libglvnd0": "1.5-1"})
	if err != nil || found[0].Version != "1.5-1" {
		t.Error(found, err)
	}
}

// A resolution that would try every combination ends.
func TestResolveEnds(t *testing.T) {
	t.Parallel()
	var index strings.Builder
	for _, name := range strings.Fields("aa bb cc dd ee ff gg hh ii jj kk ll mm nn oo pp qq rr ss tt") {
		next := string(name[0]+1) + string(name[0]+1)
		index.WriteString("Package: " + name + "\nVersion: 1\nDepends: " + next + "\n\nPackage: " + name + "\nVersion: 2\nDepends: " + next + "\n\n")
	}
	if _, err := resolve(t.Context(), []string{"aa"}, indexOf(t, strings.TrimSpace(index.String()), 500), baseWith(t, ""), "the base", nil); err == nil || !errors.As(err, new(*Error)) {
		t.Error(err)
	}
}

func TestBases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string][]byte
		arch  string
		want  string
	}{
		"alpine":     {nil, "amd64", "has no dpkg status"},
		"distroless": {map[string][]byte{statusDir + "/base": []byte("Package: base\n")}, "amd64", "is without dpkg and apt"},
		"broken":     {map[string][]byte{statusFile: []byte("no status\n")}, "amd64", "has a dpkg status that cannot be read: line 1"},
		"windows":    {nil, "wasm", "Debian has no packages for wasm"},
	} {
		_, err := ReadBase(rootfs.Merge(&rootfs.Layer{Files: c.files}), c.arch)
		e := (*Error)(nil)
		if !errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
