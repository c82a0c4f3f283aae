package debian

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The order of names is that of a cache that ldconfig wrote, and ldconfig reads what was written.
func TestLoaderCacheOfMachine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(loaderCacheFile)
	ldconfig, missing := exec.LookPath("ldconfig")
	if err != nil || missing != nil {
		t.Skip("glibc's ldconfig and its cache are needed, and are not here")
	}
	all, err := readLoaderCache(text)
	if err != nil || len(all) < 10 {
		t.Fatal(len(all), err)
	}
	var want, got []string
	for _, l := range all {
		want = append(want, l.name+" "+l.path)
	}
	slices.SortStableFunc(all, func(a, b library) int { return strings.Compare(a.name, b.name) })
	file := filepath.Join(t.TempDir(), "cache")
	if err := os.WriteFile(file, writeLoaderCache(all), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), ldconfig, "-p", "-C", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "\t") {
			words := strings.Fields(line)
			got = append(got, words[0]+" "+words[len(words)-1])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("ldconfig reads\n%s\nand had written\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLoaderCache(t *testing.T) {
	t.Parallel()
	sorted := []string{"libz.so.10", "libz.so.9", "libz.so.x", "libz.so", "libb2.so", "libb-2.so", "liba.so.010", "liba.so.9"}
	var all []library
	for _, name := range sorted {
		all = append(all, library{name, "/lib/" + name, 0x0303})
	}
	slices.Reverse(all)
	text := writeLoaderCache(all)
	slices.Reverse(all)
	if got, err := readLoaderCache(text); err != nil || !slices.Equal(got, all) {
		t.Errorf("%v, %v", got, err)
	}
	for n := range text { // cut anywhere, it is an error or a part, and no panic
		if got, err := readLoaderCache(text[:n]); err == nil && len(got) > len(all) {
			t.Error(n, got)
		}
	}
}

func FuzzLoaderCache(f *testing.F) {
	f.Add(writeLoaderCache([]library{{"liba.so.1", "/lib/liba.so.1", 0x0303}, {"libb.so", "/usr/lib/libb.so", 0x0a03}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := readLoaderCache(text)
		if err != nil {
			return
		}
		again, err := readLoaderCache(writeLoaderCache(all))
		if err != nil || len(again) != len(all) {
			t.Errorf("%d libraries of %d: %v", len(again), len(all), err)
		}
	})
}
