package transfer_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestShellSums has checksums in the volume that are stale, damaged or a job's. A sync reads neither what is no file nor
// what is too large, takes no file of the list from them, and copies what has changed.
func TestShellSums(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			volume, dir, in, out := byShell(t, by)
			raw := filepath.Join(volume, "raw")
			write(t, dir, map[string]string{"a": "1", "b": "2"})
			if _, err := in(); err != nil {
				t.Fatal(err)
			}
			found, _ := filepath.Glob(filepath.Join(volume, ".slipway", "sums-*.json"))
			if len(found) != 1 {
				t.Fatalf("the checksums are in %v", found)
			}
			at := found[0]
			stale, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			text := func(text string) func() error { return func() error { return os.WriteFile(at, []byte(text), 0o600) } }
			outside := filepath.Join(t.TempDir(), "outside")
			for what, leave := range map[string]func() error{
				"stale":            text(string(stale)),
				"empty":            text(""),
				"no JSON":          text("{\"a\""),
				"another JSON":     text(`[1, 2]`),
				"null":             text("null"),
				"names outside":    text(strings.ReplaceAll(string(stale), `"a"`, `"../../a"`)),
				"wrong sizes":      text(`{"a": {"Size": -1, "Modified": 9223372036854775807, "CRC32C": 1}, "b": {"Size": 99999999999999999999}}`),
				"files of a list":  text("{}\n//81a4 1 1 2026-01-02 03:04:05 +0000|2026-01-02 03:04:05 +0000|./../other/x\n//81a4 1 1 2026-01-02 03:04:05 +0000|2026-01-02 03:04:05 +0000|./c"),
				"a pipe":           func() error { return syscall.Mkfifo(at, 0o600) },
				"a directory":      func() error { return os.Mkdir(at, 0o755) },
				"an endless file":  func() error { return os.Symlink("/dev/zero", at) },
				"a huge file":      func() error { return errors.Join(os.WriteFile(at, nil, 0o600), os.Truncate(at, 300<<20)) },
				"another's secret": func() error { return errors.Join(os.WriteFile(outside, stale, 0o600), os.Symlink(outside, at)) },
			} {
				t.Run(what, func(t *testing.T) {
					if err := errors.Join(os.RemoveAll(at), leave()); err != nil {
						t.Fatal(err)
					}
					write(t, raw, map[string]string{"a": "x"}) // of the same size and time
					done, err := in()
					if err != nil || len(done.Changes) != 1 || done.Changes[0].Name != "a" {
						t.Errorf("to the volume: %+v, %v", done, err)
					}
					equal(t, map[string]string{"a": "1", "b": "2"}, read(t, raw))
					if err := errors.Join(os.RemoveAll(at), leave()); err != nil {
						t.Fatal(err)
					}
					write(t, raw, map[string]string{"b": "y"})
					done, err = out()
					if err != nil || len(done.Changes) != 1 || done.Changes[0].Name != "b" {
						t.Errorf("from the volume: %+v, %v", done, err)
					}
					equal(t, map[string]string{"a": "1", "b": "y"}, read(t, dir))
					write(t, dir, map[string]string{"b": "2"})
					if _, err := in(); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// TestShellYoung has a job that writes a file twice within a second, in a volume whose stat tells no less, as some
// versions of busybox do. The sync between both keeps no checksum by which the second content would not be seen.
func TestShellYoung(t *testing.T) {
	by, programs := shells(t)["sh"], t.TempDir()
	program, err := exec.LookPath("stat")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n" + program + ` "$@" | sed 's/\.[0-9]\{9\}//g'` + "\n"
	if err := os.WriteFile(filepath.Join(programs, "stat"), []byte(script), 0o755); err != nil { //nolint:gosec // G306: a program
		t.Fatal(err)
	}
	by.path = programs + ":" + by.path
	volume, dir, _, out := byShell(t, by)
	at := filepath.Join(volume, "raw", "a")
	write(t, dir, map[string]string{"a": "0"})
	write(t, volume, map[string]string{"raw/a": "1"})
	now := time.Now().Truncate(time.Second)
	for _, text := range []string{"1", "2", "3"} {
		if err := errors.Join(os.WriteFile(at, []byte(text), 0o600), os.Chtimes(at, now, now)); err != nil {
			t.Fatal(err)
		}
		if _, err := out(); err != nil {
			t.Fatal(err)
		}
		equal(t, map[string]string{"a": text}, read(t, dir))
	}
}
