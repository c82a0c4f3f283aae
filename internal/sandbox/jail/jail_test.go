//go:build unix

package jail_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

const secret = "a line of the machine"

// planted creates a directory with everything that a hostile container can leave in one.
func planted(t *testing.T) (*jail.Dir, string) {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "artifacts")
	must(t, os.MkdirAll(filepath.Join(dir, "outputs", "deep"), 0o755))
	must(t, os.WriteFile(filepath.Join(base, "host"), []byte(secret), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "outputs", "file"), []byte("mine"), 0o600))
	for name, target := range map[string]string{
		"absolute": filepath.Join(base, "host"), "relative": "../host", "zero": "/dev/zero", "up": "..", "etc": "/etc", "self": "self",
		"inside": "outputs/file", "outputs/loop": "../outputs", "outputs/all": "..", "chain": "absolute",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	must(t, os.Symlink("pipe", filepath.Join(dir, "to-pipe")))
	d, err := jail.Make(dir)
	must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d, base
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon fails the test if do does not return.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s goes on for ever", what)
	}
}

func TestLinksDoNotEscape(t *testing.T) {
	d, base := planted(t)
	for _, name := range []string{
		"absolute", "relative", "chain", "zero", "self", "pipe", "to-pipe", "up", "etc/passwd", "up/host", "../host", "outputs", "outputs/all/relative",
	} {
		soon(t, "open "+name, func() {
			if file, _, err := d.Open(name); err == nil {
				t.Errorf("%s is opened", name)
				_ = file.Close()
			}
			if _, err := d.Read(name, 10); err == nil {
				t.Errorf("%s is read", name)
			}
		})
	}
	// Write replaces a link, and does not write to its target.
	for _, name := range []string{"absolute", "relative", "pipe", "zero"} {
		soon(t, "write "+name, func() { must(t, d.Write(name, strings.NewReader("new"), true)) })
		if text, err := d.Read(name, 10); err != nil || string(text) != "new" {
			t.Errorf("%s holds %q (%v)", name, text, err)
		}
	}
	if d.Write("up/planted", strings.NewReader("x"), true) == nil || d.Write("etc/planted", strings.NewReader("x"), true) == nil || d.Mkdir("up/planted") == nil {
		t.Error("something is written outside")
	}
	for _, name := range []string{"up/host", "etc/hostname", "../host"} {
		if d.Remove(name) == nil {
			t.Errorf("%s is removed", name)
		}
	}
	must(t, d.Remove("up"))
	must(t, d.Remove("outputs/all"))
	if text, err := os.ReadFile(filepath.Join(base, "host")); err != nil || string(text) != secret {
		t.Errorf("the file outside holds %q (%v)", text, err)
	}
	if entries, err := os.ReadDir(base); err != nil || len(entries) != 2 {
		t.Errorf("outside there are %v (%v)", entries, err)
	}
}

func TestWalkLimits(t *testing.T) {
	d, _ := planted(t)
	var seen []string
	soon(t, "walk", func() {
		must(t, d.Walk(".", func(name string, file *os.File, info fs.FileInfo) error {
			text, err := io.ReadAll(io.LimitReader(file, info.Size()))
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds a line of the machine", name)
			}
			seen = append(seen, name)
			return err
		}))
	})
	if !slices.Equal(seen, []string{"inside", "outputs/file"}) {
		t.Errorf("the walk saw %v", seen)
	}
	files, directories, err := d.List(".")
	if err != nil || len(files) != 1 || files["inside"] != 4 || !slices.Equal(directories, []string{"outputs"}) {
		t.Errorf("%v, %v, %v", files, directories, err)
	}
	if _, _, err := d.List("up"); err == nil {
		t.Error("what is above is listed")
	}
}

func TestBounds(t *testing.T) {
	d, base := planted(t)
	must(t, os.Truncate(filepath.Join(base, "artifacts", "outputs", "file"), 1<<40)) // a sparse file
	var tooLarge *jail.LimitError
	soon(t, "read a huge file", func() {
		if text, err := d.Read("outputs/file", 1000); !errors.As(err, &tooLarge) {
			t.Errorf("%d bytes, %v", len(text), err)
		}
	})
	deep := strings.Repeat("d/", 120)
	must(t, d.Mkdir(deep))
	if err := d.Walk(".", func(string, *os.File, fs.FileInfo) error { return nil }); !errors.As(err, &tooLarge) {
		t.Errorf("a tree of 120 levels: %v", err)
	}
}

// TestChangesMeanwhile reads a file while it is constantly replaced by a link, a named
// pipe and a file.
func TestChangesMeanwhile(t *testing.T) {
	d, base := planted(t)
	at := filepath.Join(base, "artifacts", "changing")
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Remove(at)
			switch n % 3 {
			case 0:
				_ = os.WriteFile(at, []byte("mine"), 0o600)
			case 1:
				_ = os.Symlink("../host", at)
			default:
				_ = syscall.Mkfifo(at, 0o600)
			}
		}
	}()
	soon(t, "read", func() {
		for range 3000 {
			if text, err := d.Read("changing", 100); err == nil && len(text) > 0 && string(text) != "mine" {
				t.Errorf("%q was read", text)
				return
			}
		}
	})
	close(stop)
	<-ended
}

func TestLocal(t *testing.T) {
	for name, want := range map[string]string{"": ".", "/": ".", "..": ".", "../../x": "x", "a/../../b": "b", "/a/b/": "a/b"} {
		if got := jail.Local(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
