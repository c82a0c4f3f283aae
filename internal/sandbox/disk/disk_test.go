package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// TestWrite checks that a file has its new content and mode, in directories that only
// their owner can enter, and that nothing else is left.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "file")
	for _, test := range []struct {
		content string
		mode    fs.FileMode
	}{{"the old content, which is long", 0o644}, {"new", 0o600}, {"", 0o600}} {
		if err := disk.Write(path, []byte(test.content), test.mode); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != test.content {
			t.Errorf("%q, %v; want %q", text, err, test.content)
		}
		if runtime.GOOS == "windows" {
			continue // it has no such modes
		}
		for at, want := range map[string]fs.FileMode{path: test.mode, filepath.Dir(path): 0o700} {
			if info, err := os.Stat(at); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", at, info.Mode(), err, want)
			}
		}
	}
	if names := list(t, filepath.Dir(path)); !slices.Equal(names, []string{"file"}) {
		t.Errorf("left %q", names)
	}
}

// TestWriteFails checks that a write that fails leaves no part of a file, and that its
// error is the file system's.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := disk.Write(taken, []byte("x"), 0o600)
	if err == nil || errors.As(err, new(*disk.FullError)) {
		t.Errorf("a file in the place of a directory: %v", err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"taken"}) {
		t.Errorf("left %q", names)
	}
}

// TestWhole reads a file while it is written, and checks that each reader sees the whole
// of one content.
func TestWhole(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not replace a file that is open")
	}
	path := filepath.Join(t.TempDir(), "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<18), bytes.Repeat([]byte("b"), 1<<18)}
	if err := disk.Write(path, contents[0], 0o600); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		defer close(done)
		for n := range 6 {
			if err := disk.Write(path, contents[n%2], 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(text, contents[0]) && !bytes.Equal(text, contents[1]) {
			t.Fatalf("read %d bytes, %v", len(text), err)
		}
	}
	group.Wait()
}

// TestFiles checks that only the pattern is a pattern, not the name of the directory.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a [b]")
	for _, name := range []string{"x/2.json", "x/1.json", "y/3.json", "y/4.txt", "5.json"} {
		if err := disk.Write(filepath.Join(dir, filepath.FromSlash(name)), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := disk.Files(dir, "*/*.json")
	want := []string{filepath.Join(dir, "x", "1.json"), filepath.Join(dir, "x", "2.json"), filepath.Join(dir, "y", "3.json")}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("%q, %v; want %q", files, err, want)
	}
	texts, err := disk.Read(dir, "*/*.json")
	if got := string(bytes.Join(texts, []byte(" "))); err != nil || got != "x/1.json x/2.json y/3.json" {
		t.Errorf("%q, %v", got, err)
	}
	for _, none := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "y")} {
		if files, err := disk.Files(none, "*/*.json"); err != nil || len(files) > 0 {
			t.Errorf("%s: %q, %v", none, files, err)
		}
	}
	if _, err := disk.Files(dir, "["); err == nil {
		t.Error("the pattern [ is accepted")
	}
}

// TestAppendAndRemove checks that a file grows, and that removing it twice is no error.
func TestAppendAndRemove(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "logs", "log")
	for range 2 {
		file, err := disk.Append(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteString("line\n")
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "line\nline\n" {
		t.Errorf("%q, %v", text, err)
	}
	for range 2 {
		if err := disk.Remove(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := disk.Append(filepath.Join(path, "..", "..", "logs")); err == nil {
		t.Error("a directory was opened for appending")
	}
}

// TestEdit checks that a file is written, gets its name in a directory that is created, and is read.
func TestEdit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	part, path := filepath.Join(dir, "parts", "1"), filepath.Join(dir, "files", "1")
	for _, text := range []string{"first", "again"} {
		file, err := disk.Edit(part)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteString(text)
		if err := errors.Join(err, file.Close(), disk.Rename(part, path)); err != nil {
			t.Fatal(err)
		}
		if file, err = disk.Open(path); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
	if names := list(t, filepath.Dir(part)); len(names) > 0 {
		t.Errorf("left %q", names)
	}
}

// TestExplain checks that only a full disk is explained, and only once.
func TestExplain(t *testing.T) {
	t.Parallel()
	wrapped := &os.PathError{Op: "write", Path: "part", Err: diskFull}
	err := disk.Explain("state", fmt.Errorf("store: %w", wrapped))
	explained := new(disk.FullError)
	if !errors.As(err, &explained) || explained.Path != "state" || !errors.Is(err, diskFull) || !strings.Contains(err.Error(), "the disk is full at state: free some space") {
		t.Errorf("a full disk: %v", err)
	}
	if again := disk.Explain("other", fmt.Errorf("more: %w", err)); strings.Count(again.Error(), "free some space") != 1 {
		t.Errorf("explained again: %v", again)
	}
	if err := disk.Explain("state", fs.ErrPermission); err != fs.ErrPermission { //nolint:errorlint // it must be the same
		t.Errorf("another error: %v", err)
	}
	if err := disk.Explain("state", nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
