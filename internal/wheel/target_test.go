package wheel

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

func TestTargetAccepts(t *testing.T) {
	amd, arm := linux(t, "3.11", "linux/amd64"), linux(t, "3.11", "linux/arm64")
	for file, want := range map[string][2]bool{
		"a-1-py3-none-any.whl":     {true, true},
		"a-1-py2.py3-none-any.whl": {true, true},
		"a-1-py2-none-any.whl":     {false, false},
		"a-1-py310-none-any.whl":   {true, true},
		"a-1-py312-none-any.whl":   {false, false},
		"a-1-cp311-none-any.whl":   {true, true},
		"a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": {true, false},
		"a-1-cp311-cp311-manylinux2014_aarch64.whl":                      {false, true},
		"a-1-cp311-cp311t-manylinux2014_aarch64.whl":                     {false, false},
		"a-1-cp310-cp310-manylinux2014_x86_64.whl":                       {false, false},
		"a-1-cp37-abi3-manylinux1_x86_64.whl":                            {true, false},
		"a-1-cp312-abi3-manylinux1_x86_64.whl":                           {false, false},
		"a-1-cp311-cp311-manylinux_2_36_x86_64.whl":                      {true, false},
		"a-1-cp311-cp311-manylinux_2_37_x86_64.whl":                      {false, false},
		"a-1-cp311-cp311-manylinux_2_5_aarch64.whl":                      {false, false},
		"a-1-cp311-cp311-musllinux_1_2_x86_64.whl":                       {false, false},
		"a-1-cp311-cp311-macosx_11_0_arm64.whl":                          {false, false},
		"a-1-cp311-cp311-win_amd64.whl":                                  {false, false},
		"a-1-cp311-cp311-linux_x86_64.whl":                               {true, false},
		"a-1-2build-py3-none-manylinux2014_x86_64.whl":                   {true, false},
		"a-1-pp311-pypy311_pp73-manylinux2014_x86_64.whl":                {false, false},
		"torch-2.3.0+cpu-cp311-cp311-linux_x86_64.whl":                   {true, false},
	} {
		n, ok := parseFilename(file)
		if !ok {
			t.Errorf("%s is no wheel", file)
		} else if got := [2]bool{amd.accepts(n), arm.accepts(n)}; got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
	for _, file := range []string{"", "a.whl", "a-1.tar.gz", "a-1-py3-none.whl", "a-1-b-py3-none-any.whl", "a--py3-none-any.whl", "a-1-1-1-py3-none-any.whl"} {
		if _, ok := parseFilename(file); ok {
			t.Errorf("%s is a wheel", file)
		}
	}
}

// The C library of the base determines which wheels work.
func TestTargetsOfCLibraries(t *testing.T) {
	for _, c := range []struct {
		libc  rootfs.Libc
		file  string
		takes bool
	}{
		{rootfs.Libc{Name: rootfs.Glibc, Minor: 31}, "a-1-cp312-cp312-manylinux_2_31_x86_64.whl", true},
		{rootfs.Libc{Name: rootfs.Glibc, Minor: 31}, "a-1-cp312-cp312-manylinux_2_34_x86_64.whl", false},
		{rootfs.Libc{Name: rootfs.Glibc, Minor: 41}, "a-1-cp312-cp312-manylinux_2_39_x86_64.whl", true},
		{rootfs.Libc{Name: rootfs.Glibc, Minor: 41}, "a-1-cp312-cp312-musllinux_1_2_x86_64.whl", false},
		{rootfs.Libc{Name: rootfs.Musl, Minor: 2}, "a-1-cp312-cp312-musllinux_1_2_x86_64.whl", true},
		{rootfs.Libc{Name: rootfs.Musl, Minor: 2}, "a-1-cp312-cp312-manylinux_2_17_x86_64.whl", false},
		{rootfs.Libc{Name: rootfs.Musl, Minor: 2}, "a-1-py3-none-any.whl", true},
	} {
		target, ok := newTarget("3.12", "linux/amd64", c.libc)
		name, named := parseFilename(c.file)
		if !ok || !named || target.accepts(name) != c.takes {
			t.Errorf("%s with %s: %v", c.file, c.libc, !c.takes)
		}
	}
}

func TestChoose(t *testing.T) {
	l, err := parseRequirements("lock.txt", files{"lock.txt": "b==2 ; python_version >= '3.12' --hash=sha256:" + digest("1") + "\nB==1.0 ; python_version < '3.12' --hash=sha256:" + digest("2") +
		"\na==1 --hash=sha256:" + digest("4") + "\nb==1 --hash=sha256:" + digest("3") + " --hash=sha256:" + digest("2") + "\n"}.read)
	if err != nil {
		t.Fatal(err)
	}
	needed, err := linux(t, "3.11", "linux/amd64").choose(l.requirements)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, r := range needed {
		got[r.String()] = r.hashes
	}
	if diff := cmp.Diff(map[string][]string{"a==1": {digest("4")}, "b==1.0": {digest("2"), digest("3")}}, got); diff != "" {
		t.Error(diff)
	}
	_, err = linux(t, "3.12", "linux/amd64").choose(l.requirements)
	want := "lock.txt:4:1: b is locked to 1 here and to 2 in lock.txt:1:1, both for Python 3.12 on linux/amd64 (lock again: one environment has one version of a package)"
	var wrong *source.Error
	if !errors.As(err, &wrong) || err.Error() != want {
		t.Errorf("%v (%T)", err, err)
	}
}

// TestNothingForThisPython has locks of which nothing applies to the target. That is an error if it is because of
// the version of Python: the image would have no packages, and its program would fail where it imports one.
func TestNothingForThisPython(t *testing.T) {
	const hash = " --hash=sha256:"
	for text, at := range map[string]string{
		"a==1 ; python_version < '3.10'" + hash + digest("1") + "\nb==1 ; python_full_version == '3.9.*'" + hash + digest("2"): "1:1",
		"a==1 ; sys_platform == 'win32'" + hash + digest("1") + "\nb==1 ; python_version < '3.10'" + hash + digest("2"):        "2:1",
		"a==1 ; sys_platform == 'win32' and python_version < '3.10'" + hash + digest("1"):                                      "",
		"a==1 ; sys_platform == 'win32'" + hash + digest("1"):                                                                  "",
		"# no packages": "",
	} {
		l, err := parseRequirements("lock.txt", files{"lock.txt": text}.read)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := linux(t, "3.12", "linux/amd64").choose(l.requirements)
		want := "lock.txt:" + at + ": the markers exclude every package for Python 3.12 on linux/amd64, so that the image would have none (use a base with the Python of the lock, or lock again for this one)"
		if at != "" && (err == nil || err.Error() != want) || at == "" && (err != nil || len(chosen) != 0) {
			t.Errorf("%s: %v, %v", text, chosen, err)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		python, platform string
		pythonOK, ok     bool
	}{
		{"3.12", "linux/amd64", true, true}, {"3.12.4", "linux/arm64", true, true}, {"3", "linux/amd64", false, false}, {"2.7", "linux/amd64", false, false},
		{"3.012", "linux/amd64", false, false}, {"3.x", "linux/amd64", false, false}, {"", "linux/amd64", false, false}, {"3.12.1.1", "linux/amd64", false, false},
		{"3.12", "windows/amd64", true, false}, {"3.12", "linux/s390x", true, false},
	} {
		target, ok := newTarget(c.python, c.platform, rootfs.Libc{})
		if ok != c.ok || target.pythonOK != c.pythonOK {
			t.Errorf("%s %s: %t %t", c.python, c.platform, target.pythonOK, ok)
		}
	}
}
