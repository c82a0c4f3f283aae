package wheel

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestOverlapsAsUV locks and installs packages that overwrite each other's files with uv,
// one after the other, and compares the result with the environment for the same lock.
func TestOverlapsAsUV(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it downloads uv")
	}
	python := interpreter(t)
	shelf := t.TempDir()
	made := map[string]recipe{}
	needs := map[string]string{"needs-opencv": "opencv-python", "fork": "original"}
	for name, file := range map[string]string{"opencv-python": "cv2/core.py", "opencv-python-headless": "cv2/core.py", "needs-opencv": "needs.py", "fork": "original/core.py", "original": "original/core.py", "a-plain": "plain.py"} {
		r := recipe{name: name, version: "1", files: map[string]string{file: "by = '" + name + "'\n"}, metadata: fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: 1\n", name)}
		if needs[name] != "" {
			r.metadata += "Requires-Dist: " + needs[name] + "\n"
		}
		wheel, text := r.make(t)
		write(t, shelf, wheel, string(text))
		made[name] = r
	}
	uv, err := Spec{Lock: "uv.lock", CacheDir: filepath.Join(testenv.Root(t), ".cache", "wheels"), Environ: os.Environ()}.uv(t.Context())
	if err != nil {
		unavailable(t, "uv: "+err.Error())
	}
	uv.environ = append(uv.environ, "UV_CONCURRENT_INSTALLS=1", "UV_CACHE_DIR="+t.TempDir(), "UV_LINK_MODE=copy", "UV_PYTHON="+python)
	sync := func(dependencies string) string {
		uv.dir = t.TempDir()
		write(t, uv.dir, "pyproject.toml", "[project]\nname = \"story\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = ["+dependencies+"]\n")
		if stdout, stderr, err := uv.run(t.Context(), "sync", "--no-index", "--find-links", shelf); err != nil {
			t.Fatalf("uv sync: %v\n%s%s", err, stdout, stderr)
		}
		return uv.dir
	}
	sync(`"a-plain", "fork", "opencv-python-headless", "needs-opencv"`) // uv installs packages that are not in its cache in the order of their arrival
	for _, dependencies := range []string{
		`"opencv-python", "opencv-python-headless"`,
		`"opencv-python-headless", "needs-opencv"`, // needs-opencv requires opencv-python
		`"fork"`, // fork requires original
		`"fork", "original"`,
		`"original", "opencv-python", "fork", "opencv-python-headless", "needs-opencv", "a-plain"`,
	} {
		dir := sync(dependencies)
		text, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
		if err != nil {
			t.Fatal(err)
		}
		lock, err := parseLockFile(text)
		if err != nil {
			t.Fatal(err)
		}
		var wheels []wheel
		for _, p := range lock.Packages {
			if _, own := p.local(); !own {
				file, text := made[p.Name].make(t)
				wheels = append(wheels, put(t, p.Name, p.Version, file, text))
			}
		}
		s, target, err := Spec{Name: "train", Python: "3.11", Lock: "lock.txt", CacheDir: t.TempDir()}.normalized()
		if err != nil {
			t.Fatal(err)
		}
		archives, err := openAll(t, target, wheels)
		if err != nil {
			t.Fatal(err)
		}
		env, err := s.assemble(t.Context(), target, archives, ranks(lock.order(target, nil, nil), archives))
		if err != nil {
			t.Fatal(err)
		}
		all := content(t, env)
		for _, file := range []string{"cv2/core.py", "original/core.py"} {
			want, err := os.ReadFile(filepath.Join(dir, ".venv", "lib", "python3.11", "site-packages", file))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if _, got, _ := strings.Cut(all["/opt/venv/lib/python3.11/site-packages/"+file], " "); got != string(want) {
				t.Errorf("%s: %s is %q, and uv's %q", dependencies, file, got, want)
			}
		}
	}
}

// If the lock does not contain the dependencies, the packages' metadata is used.
func TestOrderOfPackages(t *testing.T) {
	requires := func(names ...string) string {
		text := ""
		for _, name := range names {
			text += "Requires-Dist: " + name + " (>=1) ; extra == 'x'\n"
		}
		return text
	}
	var archives []*archive
	for name, metadata := range map[string]string{"a": requires("z"), "b": "", "m": requires("a", "c"), "c": requires("m"), "z": "", "loop": requires("loop")} {
		archives = append(archives, &archive{wheel: wheel{requirement: requirement{name: name}}, metadata: parseMetadata(metadata)})
	}
	slices.SortFunc(archives, func(a, b *archive) int { return cmp.Compare(a.requirement.name, b.requirement.name) })
	got := ranks(nil, archives)
	order := make([]string, len(got))
	for name, rank := range got {
		order[rank] = name
	}
	if want := []string{"b", "loop", "a", "c", "m", "z"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
}

func TestConflicts(t *testing.T) {
	e := &Environment{Overlaps: []Overlap{{"/x", "b", "a"}, {"/y", "b", "a"}, {"/z", "c", "a"}}}
	if got := fmt.Sprint(e.Conflicts()); got != "[{b a 2} {c a 1}]" {
		t.Error(got)
	}
}
