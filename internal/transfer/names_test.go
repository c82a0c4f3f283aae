package transfer_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestLongNames copies names of 1,024 bytes, and names that differ only in their case, to a bucket, to another one
// and back. Names between the limit of a bucket and that of a directory are refused.
func TestLongNames(t *testing.T) {
	b, dir, back := serve(t), t.TempDir(), filepath.Join(t.TempDir(), "back")
	longest := strings.Repeat(strings.Repeat("é", 127)+"/", 4) + "four" // 4 * 255 + 4 bytes
	want := map[string]string{longest: "1024 bytes", "Case": "upper", "cASE": "mixed", "case": "lower", " ": "space", "a\tb": "tab", "~": "tilde", "-rf": "flag"}
	write(t, dir, want)
	if got := read(t, dir); len(got) != len(want) || len(longest) != 1024 {
		t.Skip("this file system does not tell upper from lower case")
	}
	for _, pair := range [][2]string{{dir, "gs://data"}, {"gs://data", "gs://other"}, {"gs://other", back}} {
		if _, err := b.sync(t, pair[0], pair[1], t.TempDir(), nil); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, want, read(t, back))
	if _, err := b.sync(t, dir, "gs://other/x", t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "has 1026 bytes as a name in the bucket") {
		t.Errorf("1,026 bytes: %v", err)
	}
}

// TestOwnNames leaves objects alone that have the names of slipway's own files: they do not get into its
// state, they are not taken for what an earlier sync left, and no sync deletes them.
func TestOwnNames(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	own := []string{".slipway/cache/x", ".Slipway/cache/x", "d/.slipway/y", "d/.part-gs-x"}
	for _, name := range append(own, "good") {
		put(t, b, name, "x")
	}
	var skipped []string
	s, err := b.sync(t, "gs://data", dir, t.TempDir(), func(o *transfer.Options) {
		o.Skipped = func(name, _ string) { skipped = append(skipped, name) }
	})
	slices.Sort(own)
	slices.Sort(skipped)
	if err != nil || len(s.Changes) != 1 || !slices.Equal(skipped, own) {
		t.Errorf("%+v, %v, left out %q", s, err, skipped)
	}
	equal(t, map[string]string{"good": "x"}, read(t, dir))
	if s, err := b.sync(t, dir, "gs://data", t.TempDir(), func(o *transfer.Options) { o.Delete = true }); err != nil || len(s.Changes) > 0 {
		t.Errorf("then: %+v, %v", s, err)
	}
}

// TestPlaceholders syncs a bucket with objects that stand for directories, which Terraform fills with a sentence. An
// object that is too large for one is refused, as a directory cannot have its name.
func TestPlaceholders(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	put(t, b, "raw/", "Not really a directory.")
	put(t, b, "raw/train/", " ")
	put(t, b, "raw/empty/", "")
	put(t, b, "raw/train/a.csv", "1")
	for _, to := range []string{dir, "gs://other"} {
		var skipped []string
		s, err := b.sync(t, "gs://data/raw", to, t.TempDir(), func(o *transfer.Options) {
			o.Skipped = func(name, _ string) { skipped = append(skipped, name) }
		})
		if err != nil || len(s.Changes) != 1 || !slices.Equal(skipped, []string{"raw/", "train/"}) {
			t.Errorf("to %s: %+v, %v, left out %q", to, s, err, skipped)
		}
	}
	equal(t, map[string]string{"train/a.csv": "1"}, read(t, dir))
	if s, err := b.sync(t, dir, "gs://data/raw", t.TempDir(), func(o *transfer.Options) { o.Delete = true }); err != nil || len(s.Changes) > 0 {
		t.Errorf("then: %+v, %v", s, err)
	}
	put(t, b, "raw/large/", strings.Repeat("x", 1025))
	if s, err := b.sync(t, "gs://data/raw", dir, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "large/") {
		t.Errorf("with content: %+v, %v", s, err)
	}
}

// TestGitIsNotWritten has names in a bucket with which git would run programs of another. They are refused before
// anything is written, and are copied where they are left out, or where git does not look: in a bucket.
func TestGitIsNotWritten(t *testing.T) {
	for _, name := range []string{".git/config", ".GIT/hooks/pre-commit", "d/.git/config", ".git", "git~1/config", ".git./config", ".git::$INDEX_ALLOCATION/config", ".g\u200cit/config", `d\.git\config`} {
		b, dir := serve(t), t.TempDir()
		own := map[string]string{".git/config": "[core]"}
		write(t, dir, own)
		put(t, b, name, "[core]\n\tfsmonitor = touch /tmp/x\n")
		put(t, b, "a", "a")
		if _, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "would be one of git's own files") {
			t.Errorf("%q: %v", name, err)
		}
		equal(t, own, read(t, dir))
		if s, err := b.sync(t, "gs://data", "gs://other", t.TempDir(), nil); err != nil || len(s.Changes) != 2 {
			t.Errorf("%q to a bucket: %+v, %v", name, s, err)
		}
	}
	for _, name := range []string{".gitignore", "git/config", "a.git", "x.git/config", ".github/workflows/a.yml"} {
		if problem := transfer.GitProblem(name); problem != "" {
			t.Errorf("%q %s", name, problem)
		}
	}
}
