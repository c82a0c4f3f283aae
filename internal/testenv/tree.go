package testenv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages are typical for the image of a Python team: about 6,000 files and 250 MB,
// without compiled bytecode, which differs between machines.
var packages = []string{"numpy==2.2.6", "pandas==2.2.3", "scikit-learn==1.6.1"}

// sources is the number of files in the team's own code. With the packages it makes about
// 10,000.
const sources = 3700

// PythonTree creates a Python team's tree in dir: in site the packages, as pip installs
// them, and in src the sources, such as src/part3/file3.py. The packages are hard links
// to files that are kept below .cache. A test may replace them but must not write into
// them.
func PythonTree(t testing.TB, dir string) {
	t.Helper()
	for n := range sources {
		file := filepath.Join(dir, "src", fmt.Sprintf("part%d", n%7), fmt.Sprintf("file%d.py", n))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(strings.Repeat(fmt.Sprintf("print(%d)\n", n), 20)), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	site := filepath.Join(Root(t), ".cache", "bench", "site-"+strings.Join(packages, "-"))
	if _, err := os.Stat(site); err != nil {
		part := site + ".part"
		if err := os.RemoveAll(part); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-m", "pip", "install", "--quiet", "--no-compile", "--target", part}, packages...)
		if out, err := exec.Command("python3", args...).CombinedOutput(); err != nil {
			t.Skipf("the packages cannot be downloaded: %v\n%s", err, out)
		}
		if err := os.Rename(part, site); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(site, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(site, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, "site", relative)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		return os.Link(path, to)
	})
	if err != nil {
		t.Fatal(err)
	}
}
