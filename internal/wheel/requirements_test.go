package wheel

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
)

// files is a fake repository.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	if text, ok := f[name]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

// digest returns 64 times the given digit.
func digest(digit string) string { return strings.Repeat(digit, 64) }

func TestRequirements(t *testing.T) {
	repository := files{
		"deep/lock.txt": "\ufeff# made by a tool\r\n" +
			"--index-url https://${USER}:${TOKEN}@index.example/simple  # ours\r\n" +
			"--extra-index-url=https://other.example/simple\n-f wheels\n--find-links https://files.example/\n--trusted-host other.example\n-i https://x.example/\n" +
			"--require-hashes\n--only-binary :all:\n--prefer-binary\n" +
			"Foo_Bar[socks, fast] == 1.0 ; python_version < \"3.13\" and sys_platform == 'linux' \\\r\n" +
			"    --hash=sha256:" + digest("1") + " \\\n" +
			"    --hash sha256:" + digest("A") + "\n" +
			"    # via somebody\n" +
			"baz===2.0+cpu \\\n  --hash=sha512:abc \\\n  --hash=sha256:" + digest("2") + " \\\n  # a comment ends the line\n" +
			"-r more.txt\n" +
			"qux(==3)--hash=sha256:" + digest("3") + "\n",
		"deep/more.txt": "more==1--hash=x",
	}
	_, err := parseRequirements("deep/lock.txt", repository.read)
	if want := "deep/more.txt:1:5: more is not pinned to one version by == (" + howToLock + ")"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	repository["deep/more.txt"] = "--requirement=../base.txt\n"
	repository["base.txt"] = "base ==0.1 --hash=sha256:" + digest("4")
	repository["deep/lock.txt"] = strings.Replace(repository["deep/lock.txt"], "qux(==3)--", "qux(==3) --", 1)
	l, err := parseRequirements("deep/lock.txt", repository.read)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range l.requirements {
		got = append(got, fmt.Sprintf("%s %s %t %s", r.at, r, r.marker != nil, strings.Join(r.hashes, " ")))
	}
	want := []string{
		"deep/lock.txt:11:1 foo-bar==1.0 true " + digest("1") + " " + digest("a"),
		"deep/lock.txt:15:1 baz==2.0+cpu false " + digest("2"),
		"base.txt:1:1 base==0.1 false " + digest("4"),
		"deep/lock.txt:20:1 qux==3 false " + digest("3"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	options := []string{"--index-url https://${USER}:${TOKEN}@index.example/simple", "--extra-index-url https://other.example/simple",
		"--find-links repository:deep/wheels", "--find-links https://files.example/", "--trusted-host other.example", "--index-url https://x.example/"}
	if diff := cmp.Diff(options, l.options); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidRequirements(t *testing.T) {
	hash := " --hash=sha256:" + digest("0")
	const elsewhere = " (publish it as a wheel to an index, or add its directory to the image's files)"
	for text, want := range map[string]string{
		"numpy" + hash:                                  "1:7: numpy is not pinned to one version by == (" + howToLock + ")",
		"numpy>=1.0" + hash:                             "1:6: numpy is not pinned to one version by == (" + howToLock + ")",
		"numpy==1.*" + hash:                             "1:6: numpy is not pinned to one version by == (" + howToLock + ")",
		"numpy==1.0,<2" + hash:                          "1:6: numpy is not pinned to one version by == (" + howToLock + ")",
		"numpy==one" + hash:                             "1:6: \"one\" is not a valid version of numpy (" + howToLock + ")",
		"numpy==1.0":                                    "1:1: numpy==1.0 has no hash of the form --hash=sha256:... (" + howToLock + ")",
		"numpy==1.0 --hash=sha512:00":                   "1:1: numpy==1.0 has no hash of the form --hash=sha256:... (" + howToLock + ")",
		"numpy==1.0 \\\n\t--hash=md5:00":                `2:2: "md5:00" is not a hash of the form sha256:...`,
		"numpy==1.0 \\\n  --hash=sha256:0":              `2:3: "0" is not a SHA-256 hash, which has 64 hexadecimal digits`,
		"numpy==1.0 --hash":                             "1:12: --hash has no value",
		"numpy==1.0 --config-settings=a":                "1:12: a locked requirement does not support the option --config-settings (wheels are installed as they are: nothing is built)",
		"numpy==1.0 ; python_version < \\\n   3" + hash: `2:4: the marker of numpy is not valid: unknown marker variable "3"`,
		"numpy==1.0 ; é == 'a'" + hash:                  `1:14: the marker of numpy is not valid: unknown marker variable "é"`,
		"# é\nnumpy[é]==1" + hash:                       "2:6: the extras of numpy are not valid (" + howToLock + ")",
		"numpy @ https://x.example/a.whl":               "1:7: numpy is taken from a path or URL, which cannot be locked by version and hash" + elsewhere,
		"https://x.example/a.whl":                       "1:1: a path or URL cannot be locked by version and hash" + elsewhere,
		"git+ssh://x.example/a":                         "1:1: a path or URL cannot be locked by version and hash" + elsewhere,
		"  ./local":                                     "1:3: a path or URL cannot be locked by version and hash" + elsewhere,
		"-e .":                                          "1:1: an editable requirement cannot be part of an image" + elsewhere,
		"==1.0":                                         "1:1: the name of a package is missing (" + howToLock + ")",
		"\n -c other.txt":                               "2:2: constraints are for making a lock; a lock has none (" + howToLock + ")",
		"--no-binary=:all:":                             "1:1: --no-binary requires a build (wheels are installed as they are: nothing is built)",
		"--index-urls x":                                "1:1: a lock does not support the option --index-urls (did you mean --index-url?)",
		"--zzz":                                         "1:1: a lock does not support the option --zzz",
		"--index-url":                                   "1:1: --index-url has 0 values and takes 1",
		"-r a b":                                        "1:1: -r has 2 values and takes 1",
		"-rother.txt":                                   "1:1: the file other.txt cannot be read: file does not exist (it must be a file in the repository)",
		"-r lock.txt":                                   "1:4: lock.txt includes itself",
		"\xff":                                          "",
	} {
		_, err := parseRequirements("lock.txt", files{"lock.txt": text}.read)
		wrong := (*source.Error)(nil)
		full := "lock.txt:" + want
		if want == "" {
			full = "lock.txt: it is not UTF-8 (" + howToLock + ")"
		}
		if !errors.As(err, &wrong) || err.Error() != full {
			t.Errorf("%q:\n got %v\nwant %s", text, err, full)
		}
	}
}

// TestRequirementsOfOtherSystems has requirements that no image can have, with markers.
// They are refused only on systems for which the marker holds.
func TestRequirementsOfOtherSystems(t *testing.T) {
	const elsewhere = " (publish it as a wheel to an index, or add its directory to the image's files)"
	target := linux(t, "3.12", "linux/amd64")
	for text, want := range map[string]string{
		"nvidia-cublas==13.0":                  "1:1: nvidia-cublas==13.0 has no hash of the form --hash=sha256:... (" + howToLock + ")",
		"numpy @ https://x.example/a.whl?b=;c": "1:7: numpy is taken from a path or URL, which cannot be locked by version and hash" + elsewhere,
		"./wheels/gdal.whl":                    "1:1: a path or URL cannot be locked by version and hash" + elsewhere,
	} {
		for condition, refused := range map[string]bool{" ; platform_machine == 's390x'": false, " ; sys_platform == 'never'": false, " ; sys_platform == 'linux'": true} {
			l, err := parseRequirements("lock.txt", files{"lock.txt": text + condition + "\nsix==1.0 --hash=sha256:" + digest("1")}.read)
			if err != nil {
				t.Errorf("%s%s: %v", text, condition, err)
				continue
			}
			chosen, err := target.choose(l.requirements)
			switch {
			case refused && (err == nil || err.Error() != "lock.txt:"+want):
				t.Errorf("%s%s:\n got %v\nwant %s", text, condition, err, want)
			case !refused && (err != nil || len(chosen) != 1 || chosen[0].name != "six"):
				t.Errorf("%s%s: %v %v", text, condition, chosen, err)
			}
		}
	}
}

// TestRefusedExports has lines of an export that slipway does not support. The error has
// the position of the package in the lock.
func TestRefusedExports(t *testing.T) {
	in := inputs{lock: []byte("version = 1\n\n[[package]]\nname = \"kserve\"\nsource = { editable = \"../kserve\" }\n\n[[package]]\nname = \"torch\"\nversion = \"2.13.0+cu130\"\n")}
	for text, want := range map[string]string{
		"-e ../kserve\n":        `uv.lock:4:1: an editable requirement cannot be part of an image: -e ../kserve (`,
		"../kserve\n":           `uv.lock:4:1: a path or URL cannot be locked by version and hash: ../kserve (`,
		"torch==2.13.0+cu130\n": `uv.lock:8:1: torch==2.13.0+cu130 has no hash of the form --hash=sha256:...: torch==2.13.0+cu130 (its index does not publish SHA-256 hashes`,
	} {
		if _, err := (Spec{Lock: "uv.lock"}).parseExport(text, in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestCyclicIncludes(t *testing.T) {
	_, err := parseRequirements("a.txt", files{"a.txt": "-r b.txt", "b.txt": "-r ./a.txt"}.read)
	if want := "b.txt:1:4: a.txt includes itself"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func FuzzRequirements(f *testing.F) {
	f.Add("numpy[a]==1.0 ; python_version < '3' \\\n --hash=sha256:" + digest("0") + "\n# x\n-i https://a.example\n")
	f.Add("-r lock.txt\n")
	f.Add(".0 ; python_version < '0'")
	f.Add("--find-links \\\n# a\n x #b\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseRequirements("lock.txt", files{"lock.txt": text}.read)
		wrong := (*source.Error)(nil)
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%v (%T)", err, err)
		}
		if wrong != nil {
			if lines := strings.Count(text, "\n") + 1; wrong.Line > lines || wrong.File != "lock.txt" {
				t.Errorf("%v in %d lines", wrong, lines)
			}
			return
		}
		for _, r := range l.requirements {
			if r.refusal != nil {
				if r.at.Line == 0 || r.marker == nil {
					t.Errorf("%+v of %q", r, text)
				}
				continue
			}
			if r.at.Line == 0 || len(r.hashes) == 0 || normalName(r.name) != r.name || !requirementName.MatchString(r.name) {
				t.Errorf("%+v of %q", r, text)
			}
			if _, ok := parseVersion(r.version); !ok {
				t.Errorf("version %q of %q", r.version, text)
			}
		}
		for _, o := range l.options {
			if strings.ContainsAny(o, "\n\r") {
				t.Errorf("option %q of %q", o, text)
			}
		}
	})
}
