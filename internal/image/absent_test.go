package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoticesOfAbsentFiles warns of pointers of Git LFS and of empty submodules, and of nothing that
// looks like them, is not in the image, or is there.
func TestNoticesOfAbsentFiles(t *testing.T) {
	lfs := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0a", 32) + "\nsize 12345\n"
	tree := files{
		"src/a.py": "1", "src/data.csv": lfs, "src/data2.csv": lfs, "src/about.md": "# Pointers\n" + lfs, "src/cut.csv": lfs[:60], "docs/data.csv": lfs,
		"libs/full/a.py": "1", ".dockerignore": "libs/ignored\n",
		".gitmodules": "[submodule \"e\"]\n\tpath = libs/empty\n\turl = ../e.git\n[submodule \"f\"]\n\tpath = libs/full\n[submodule \"g\"]\n\tpath = libs/gone\n" +
			"[submodule \"h\"]\n\tpath = other/empty\n[submodule \"i\"]\n\tpath = libs/ignored\n[submodule \"j\"]\n\tpath = ../../etc\n",
	}
	for n := range 6 {
		tree["many/"+strings.Repeat("x", n+1)] = lfs
	}
	dir := tree.write(t)
	for _, name := range []string{"libs/empty", "libs/ignored", "other/empty"} {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o755))
	}
	notices := func(paths ...string) (said []string) {
		s, err := filesSpec(dir, paths...).normalized()
		must(t, err)
		s.Notice = func(n Notice) { said = append(said, n.Text) }
		_, err = collect(t.Context(), s, openStamps(s))
		must(t, err)
		return said
	}
	want := []string{
		"image train has pointers of Git LFS instead of files: src/data.csv, src/data2.csv; fetch them first: git lfs pull, or with: {lfs: true} of actions/checkout",
		"image train has nothing of the submodules libs/empty, which are empty; fetch them first: git submodule update --init, with: {submodules: true} of actions/checkout, or GIT_SUBMODULE_STRATEGY: normal of GitLab",
	}
	if diff := cmp.Diff(want, notices("src", "libs")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{strings.Replace(want[0], "src/data.csv, src/data2.csv;", "many/x, many/xx, many/xxx, many/xxxx, many/xxxxx and 1 more;", 1)}, notices("many")); diff != "" {
		t.Error(diff)
	}
}
