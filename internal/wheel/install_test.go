package wheel

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
)

func TestInstall(t *testing.T) {
	r := recipe{name: "Foo-Bar", version: "1.0", executable: "foo/tool", files: map[string]string{
		"foo/__init__.py":                        "a = 1\n",
		"foo/tool":                               "#!/bin/sh\n",
		"foo/naïve, \"quoted\".txt":              "x",
		"Foo_Bar-1.0.data/scripts/run":           "#!python -u\r\nprint(1)\n",
		"Foo_Bar-1.0.data/scripts/runw":          "#!pythonw\nprint(2)\n",
		"Foo_Bar-1.0.data/scripts/other":         "#!/bin/sh\n",
		"Foo_Bar-1.0.data/data/share/a.txt":      "data",
		"Foo_Bar-1.0.data/headers/foo.h":         "#define A\n",
		"Foo_Bar-1.0.data/purelib/pure.py":       "p = 1\n",
		"Foo_Bar-1.0.data/platlib/plat.so":       "\x7fELF",
		"Foo_Bar-1.0.dist-info/RECORD.jws":       "signature",
		"Foo_Bar-1.0.dist-info/entry_points.txt": "# commands\n[console_scripts]\nfoo = foo.main : run.now [fast]\nrun = foo:main\n[gui_scripts]\nfoo-gui=foo:gui\n[foo.plugins]\nx = nothing at all\n",
		"other-1.dist-info/METADATA":             "vendored",
	}}
	env, err := lay(t, r)
	if err != nil {
		t.Fatal(err)
	}
	const site = "/opt/venv/lib/python3.11/site-packages/"
	got := content(t, env)
	want := map[string]string{
		"/opt/venv/pyvenv.cfg":                            "-rw-r--r-- home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.11\n",
		"/opt/venv/bin/python":                            "Lrwxrwxrwx -> /usr/local/bin/python3",
		"/opt/venv/bin/python3":                           "Lrwxrwxrwx -> python",
		"/opt/venv/bin/python3.11":                        "Lrwxrwxrwx -> python",
		"/opt/venv/lib64":                                 "Lrwxrwxrwx -> lib",
		"/opt/venv/bin/other":                             "-rwxr-xr-x #!/bin/sh\n",
		"/opt/venv/bin/runw":                              "-rwxr-xr-x #!/opt/venv/bin/python\nprint(2)\n",
		"/opt/venv/bin/run":                               "-rwxr-xr-x #!/opt/venv/bin/python\n# The command run: it calls main of foo.\nfrom foo import main\n\nif __name__ == \"__main__\":\n    raise SystemExit(main())\n",
		"/opt/venv/bin/foo":                               "-rwxr-xr-x #!/opt/venv/bin/python\n# The command foo: it calls run.now of foo.main.\nfrom foo.main import run\n\nif __name__ == \"__main__\":\n    raise SystemExit(run.now())\n",
		"/opt/venv/bin/foo-gui":                           "-rwxr-xr-x #!/opt/venv/bin/python\n# The command foo-gui: it calls gui of foo.\nfrom foo import gui\n\nif __name__ == \"__main__\":\n    raise SystemExit(gui())\n",
		"/opt/venv/share/a.txt":                           "-rw-r--r-- data",
		"/opt/venv/include/site/python3.11/foo-bar/foo.h": "-rw-r--r-- #define A\n",
		site + "foo/__init__.py":                          "-rw-r--r-- a = 1\n",
		site + "foo/tool":                                 "-rwxr-xr-x #!/bin/sh\n",
		site + "foo/naïve, \"quoted\".txt":                "-rw-r--r-- x",
		site + "pure.py":                                  "-rw-r--r-- p = 1\n",
		site + "plat.so":                                  "-rw-r--r-- \x7fELF",
		site + "other-1.dist-info/METADATA":               "-rw-r--r-- vendored",
		site + "Foo_Bar-1.0.dist-info/INSTALLER":          "-rw-r--r-- slipway\n",
		site + "Foo_Bar-1.0.dist-info/WHEEL":              "-rw-r--r-- Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		site + "Foo_Bar-1.0.dist-info/METADATA":           "-rw-r--r-- Metadata-Version: 2.1\nName: Foo-Bar\nVersion: 1.0\nLicense: MIT\n\nLicense: not here\n",
		site + "Foo_Bar-1.0.dist-info/entry_points.txt":   "-rw-r--r-- " + r.files["Foo_Bar-1.0.dist-info/entry_points.txt"],
	}
	record := site + "Foo_Bar-1.0.dist-info/RECORD"
	checkRecord(t, got, record, len(want)-5)
	delete(got, record)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p := env.Packages[0]
	if len(env.Packages) != 1 || p.Name != "Foo-Bar" && p.Name != "foo-bar" || p.Version != "1.0" || p.License != "MIT" || p.Filename != "Foo_Bar-1.0-py3-none-any.whl" || len(p.SHA256) != 64 {
		t.Errorf("%+v", env.Packages)
	}
}

// checkRecord compares RECORD with the installed files, as importlib.metadata and pip do.
func checkRecord(t *testing.T, all map[string]string, record string, want int) {
	t.Helper()
	_, text, _ := strings.Cut(all[record], " ")
	records, err := parseRecord(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != want+1 {
		t.Errorf("RECORD has %d files, want %d and itself:\n%s", len(records), want, text)
	}
	for name, hash := range records {
		file := path.Join(path.Dir(path.Dir(record)), name)
		if file == record {
			if hash != "" {
				t.Errorf("RECORD has its own hash %s", hash)
			}
			continue
		}
		_, content, ok := strings.Cut(all[file], " ")
		sum := sha256.Sum256([]byte(content))
		if !ok || hash != recordHash(sum[:]) {
			t.Errorf("%s does not match its hash in RECORD", file)
		}
	}
}

func TestInvalidWheels(t *testing.T) {
	const start, end = "lock.txt:3:1: the wheel a-1-py3-none-any.whl cannot be installed: ", " (choose another version)"
	for what, c := range map[string]struct {
		recipe
		want string
	}{
		"up":          {recipe{raw: []zip.FileHeader{{Name: "../evil.py"}}}, `the name "../evil.py" in it leads outside of it, or is not a normalized path`},
		"inner up":    {recipe{raw: []zip.FileHeader{{Name: "a/../../evil.py"}}}, `the name "a/../../evil.py" in it leads outside of it, or is not a normalized path`},
		"absolute":    {recipe{raw: []zip.FileHeader{{Name: "/etc/passwd"}}}, `the name "/etc/passwd" in it leads outside of it, or is not a normalized path`},
		"backslash":   {recipe{raw: []zip.FileHeader{{Name: `..\evil.py`}}}, `the name "..\\evil.py" in it has a backslash or a control character`},
		"control":     {recipe{raw: []zip.FileHeader{{Name: "a\nb"}}}, `the name "a\nb" in it has a backslash or a control character`},
		"not UTF-8":   {recipe{raw: []zip.FileHeader{{Name: "a\xff", NonUTF8: true}}}, `the name "a\xff" in it is not UTF-8`},
		"long":        {recipe{raw: []zip.FileHeader{{Name: strings.Repeat("a", 256)}}}, `the name "` + strings.Repeat("a", 256) + `" in it is too long`},
		"whiteout":    {recipe{raw: []zip.FileHeader{{Name: ".wh.numpy"}}}, `the name ".wh.numpy" in it would delete files of the base: in a layer of an image, names that begin with .wh. do`},
		"opaque":      {recipe{raw: []zip.FileHeader{{Name: "b/.wh..wh..opq"}}}, `the name "b/.wh..wh..opq" in it would delete files of the base: in a layer of an image, names that begin with .wh. do`},
		"twice":       {recipe{raw: []zip.FileHeader{{Name: "b"}, {Name: "b"}}}, "b is in it twice"},
		"both":        {recipe{raw: []zip.FileHeader{{Name: "b/c"}, {Name: "b"}}}, "b is both a file and a directory in it"},
		"format":      {recipe{wheel: "Wheel-Version: 2.0\n"}, `its Wheel-Version is "2.0", and only 1.x is supported`},
		"no format":   {recipe{wheel: "Generator: x\n"}, `its Wheel-Version is "", and only 1.x is supported`},
		"no WHEEL":    {recipe{wheel: "-"}, "it has no a-1.dist-info/WHEEL"},
		"no METADATA": {recipe{metadata: "-"}, "it has no a-1.dist-info/METADATA"},
		"no RECORD":   {recipe{record: "-"}, "it has no a-1.dist-info/RECORD"},
		"other":       {recipe{metadata: "Name: b\nVersion: 1\n"}, "its METADATA is that of b 1"},
		"hash":        {recipe{files: map[string]string{"b.py": "b"}, record: "b.py,sha256=AAAA,1\n"}, "b.py does not match its hash in RECORD"},
		"md5":         {recipe{files: map[string]string{"b.py": "b"}, record: "b.py,md5=AAAA,1\n"}, "RECORD has a hash of b.py that is not SHA-256, -384 or -512"},
		"half RECORD": {recipe{record: "b.py\n"}, "RECORD has a line of 1 fields instead of 3"},
		"kind":        {recipe{files: map[string]string{"a-1.data/etc/b": "b"}}, `a-1.data/etc/b is of the unknown kind "etc"`},
		"no kind":     {recipe{files: map[string]string{"a-1.data/b": "b"}}, `a-1.data/b is not in a subdirectory of .data`},
		"collision":   {recipe{files: map[string]string{"b": "b", "a-1.data/purelib/b": "b"}}, "two of its files go to /opt/venv/lib/python3.11/site-packages/b"},
		"interpreter": {recipe{files: map[string]string{"a-1.data/scripts/python": "b"}}, "/opt/venv/bin/python is part of every environment"},
		"through":     {recipe{files: map[string]string{"a-1.data/data/lib64/b": "b"}}, "/opt/venv/lib64 is part of every environment"},
		"command":     {recipe{files: map[string]string{"a-1.dist-info/entry_points.txt": "[console_scripts]\n../x = a:b\n"}}, `its entry point "../x = a:b" is not a valid command`},
		"code":        {recipe{files: map[string]string{"a-1.dist-info/entry_points.txt": "[gui_scripts]\nx = a:b();evil\n"}}, `its entry point "x = a:b();evil" is not a valid command`},
		"two infos":   {recipe{files: map[string]string{"A-1.0.dist-info/WHEEL": ""}}, "it has two .dist-info directories"},
	} {
		t.Run(what, func(t *testing.T) {
			c.recipe.name, c.recipe.version = "a", "1"
			_, err := lay(t, c.recipe)
			wrong := (*source.Error)(nil)
			if !errors.As(err, &wrong) || err.Error() != start+c.want+end {
				t.Errorf("\n got %v\nwant %s", err, start+c.want+end)
			}
		})
	}
}

func TestNotAWheel(t *testing.T) {
	_, whole := recipe{name: "a", version: "1", files: map[string]string{"a.py": strings.Repeat("a", 1<<20)}}.make(t)
	directory := bytes.LastIndex(whole, []byte("PK\x01\x02")) // that of a.py, which is last
	lying := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(lying[directory+24:], 1000)
	growing := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(growing[directory+24:], 2<<20)
	checksum := bytes.Clone(whole)
	checksum[directory+16]++
	encrypted := bytes.Clone(whole)
	encrypted[directory+8] |= 1
	method := bytes.Clone(whole)
	method[directory+10] = 12
	huge := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(huge[directory+20:], 1<<30)
	const prefix, suffix = "lock.txt:3:1: the wheel %s cannot be installed: ", " (choose another version)"
	for what, c := range map[string]struct {
		file string
		text []byte
		want string
	}{
		"no zip":    {"a-1-py3-none-any.whl", []byte("hello"), "it is not a zip file: zip: not a valid zip file"},
		"bomb":      {"a-1-py3-none-any.whl", lying, "a.py is longer than the zip directory says"},
		"short":     {"a-1-py3-none-any.whl", growing, "a.py is shorter than the zip directory says"},
		"checksum":  {"a-1-py3-none-any.whl", checksum, "a.py does not have the checksum in the zip directory"},
		"encrypted": {"a-1-py3-none-any.whl", encrypted, "a.py uses an unsupported compression or encryption"},
		"method":    {"a-1-py3-none-any.whl", method, "a.py uses an unsupported compression or encryption"},
		"outside":   {"a-1-py3-none-any.whl", huge, "a.py is not at the position in the zip directory"},
		"platform":  {"a-1-cp311-cp311-win_amd64.whl", whole, "it is not for Python 3.11 on linux/amd64"},
		"version":   {"a-2-py3-none-any.whl", whole, "it is not a==1"},
		"name":      {"a.zip", whole, "its name is not a valid wheel file name"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := layWheels(t, put(t, "a", "1", c.file, c.text))
			if want := strings.Replace(prefix, "%s", c.file, 1) + c.want + suffix; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func TestPackagesThatOverlap(t *testing.T) {
	a := recipe{name: "a", version: "1", files: map[string]string{"shared/__init__.py": "", "shared/x.py": "of a", "a.py": ""}}
	b := recipe{name: "b", version: "1", files: map[string]string{"shared/__init__.py": "", "shared/x.py": "of b"}}
	env, err := lay(t, a, b)
	if err != nil {
		t.Fatal(err)
	}
	const site = "/opt/venv/lib/python3.11/site-packages/"
	if diff := cmp.Diff([]Overlap{{site + "shared/x.py", "b", "a"}}, env.Overlaps); diff != "" {
		t.Error(diff)
	}
	all := content(t, env)
	if got := all[site+"shared/x.py"]; got != "-rw-r--r-- of b" {
		t.Errorf("shared/x.py is %q", got)
	}
	checkRecord(t, all, site+"a-1.dist-info/RECORD", 5)
	checkRecord(t, all, site+"b-1.dist-info/RECORD", 4)

	b.files = map[string]string{"a.py/b.py": ""}
	_, err = lay(t, a, b)
	if want := "lock.txt:3:1: " + site + "a.py is a file of a and a directory of b (they cannot be installed together)"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	noise := make([]byte, largePackage)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	big := recipe{name: "big", version: "1", files: map[string]string{"big.bin": string(noise)}}
	small, other := recipe{name: "small", version: "1"}, recipe{name: "other", version: "1"}
	prints := func(recipes ...recipe) map[string]string {
		env, err := lay(t, recipes...)
		if err != nil {
			t.Fatal(err)
		}
		prints := map[string]string{}
		for _, l := range env.Layers {
			prints[l.Name] = l.Fingerprint
		}
		return prints
	}
	changed := func(before, after map[string]string) string {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if before[name] != after[name] {
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
	before := prints(big, other, small)
	if got := strings.Join(slices.Sorted(maps.Keys(before)), " "); got != "big small-4 small-5 venv" {
		t.Fatalf("the layers are %s", got)
	}
	if got := changed(before, prints(big, other, small)); got != "" {
		t.Errorf("%s changed by itself", got)
	}
	noise[0]++
	big.files = map[string]string{"big.bin": string(noise)}
	if got := changed(before, prints(big, other, small)); got != "big" {
		t.Errorf("a change of big changes %q", got)
	}
	noise[0]--
	big.files = map[string]string{"big.bin": string(noise)}
	small.version = "2"
	if got := changed(before, prints(big, other, small)); got != "small-4" && got != "small-5" {
		t.Errorf("a change of small changes %q", got)
	}
	if got := changed(before, prints(big, other)); got != "small-4" && got != "small-5" {
		t.Errorf("without small %q changes", got)
	}
}

// A wheel that changes after it was verified causes an error when it is read.
func TestDamagedWheelFailsOnRead(t *testing.T) {
	file, text := recipe{name: "a", version: "1", files: map[string]string{"a.py": strings.Repeat("abc", 1000)}}.make(t)
	w := put(t, "a", "1", file, text)
	env, err := layWheels(t, w)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.Index(text, []byte("a.py"))+len("a.py")+3] ^= 0x55
	if err := os.WriteFile(w.path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, l := range env.Layers {
		for _, f := range l.Files {
			if strings.HasSuffix(f.Path, "/a.py") {
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if _, err := io.ReadAll(r); err == nil || !strings.Contains(err.Error(), "cannot be installed: a.py ") {
					t.Errorf("reading a damaged file: %v", err)
				}
				return
			}
		}
	}
	t.Error("a.py is not there")
}

func FuzzOpen(f *testing.F) {
	_, whole := recipe{name: "a", version: "1", files: map[string]string{"a.py": "a", "a-1.dist-info/entry_points.txt": "[console_scripts]\na = a:a\n"}}.make(f)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, text []byte) {
		env, err := layWheels(t, put(t, "a", "1", "a-1-py3-none-any.whl", text))
		if err != nil {
			if wrong := (*source.Error)(nil); !errors.As(err, &wrong) {
				t.Errorf("%v (%T)", err, err)
			}
			return
		}
		for name := range content(t, env) {
			if !strings.HasPrefix(name, "/opt/venv/") || path.Clean(name) != name {
				t.Errorf("%q is outside", name)
			}
		}
	})
}
