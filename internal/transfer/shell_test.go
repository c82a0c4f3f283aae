package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// shell runs scripts by a shell of this machine, as a pod with a volume runs them.
type shell struct {
	// program is how sh is started.
	program []string
	path    string
	// before is called before each script, if it is not nil, and changes what is sent and received.
	before func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer)
}

func (s *shell) Name() string { return "test" }

func (s *shell) Run(ctx context.Context, script string, in io.Reader, out io.Writer) error {
	if s.before != nil {
		in, out = s.before(script, in, out)
	}
	var said bytes.Buffer
	command := exec.CommandContext(ctx, s.program[0], append(s.program[1:len(s.program):len(s.program)], "-c", script)...)
	command.Stdin, command.Stdout, command.Stderr, command.WaitDelay = in, out, &said, time.Second
	command.Env = []string{"PATH=" + s.path}
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s (%w)", strings.TrimSpace(said.String()), err)
	}
	return nil
}

// shells returns the shell of this machine with GNU's programs and, if it has one, busybox with its own.
func shells(t *testing.T) map[string]*shell {
	t.Helper()
	all := map[string]*shell{"sh": {program: []string{"/bin/sh"}, path: os.Getenv("PATH")}}
	if busybox, err := exec.LookPath("busybox"); err == nil {
		applets := t.TempDir()
		if out, err := exec.Command(busybox, "--install", "-s", applets).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		all["busybox"] = &shell{program: []string{busybox, "sh"}, path: applets}
	} else if os.Getenv("CI") != "" {
		t.Fatal("busybox is missing")
	}
	return all
}

// strange are names that a shell or an archive could misread.
func strange() map[string]string {
	files := tree()
	for _, name := range []string{"with space.txt", "quote's $HOME `id` \"x\".txt", "new\nline.txt", "new\n/line|.txt", "-rf", "--help/-n", "ünïcödé/ü.txt", "back\\slash", "*", "end\n", strings.Repeat("long", 40) + "/" + strings.Repeat("n", 250)} {
		files[name] = "content of " + name
	}
	files["empty"] = ""
	return files
}

// TestShell copies a directory to a volume by a shell, from there to a bucket, and to another directory.
func TestShell(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			b, volume, dir, back, files := serve(t), t.TempDir(), t.TempDir(), t.TempDir(), strange()
			write(t, dir, files)
			in := func(o *transfer.Options) {
				for _, p := range []*transfer.Place{&o.From, &o.To} {
					if p.InVolume {
						p.Shell, p.Volume = by, volume
					}
				}
			}
			once := func(cache, from, to string, want int, change func(*transfer.Options)) {
				t.Helper()
				done, err := b.sync(t, from, to, cache, func(o *transfer.Options) {
					in(o)
					if change != nil {
						change(o)
					}
				})
				if err != nil || len(done.Changes) != want {
					t.Fatalf("%s to %s: %+v, %v, want %d changes", from, to, done, err, want)
				}
			}
			cache := t.TempDir()
			for range 2 {
				once(cache, dir, "volume:/raw/in", len(files), func(o *transfer.Options) { o.DryRun = true })
				if left := read(t, volume); len(left) > 0 {
					t.Fatalf("a dry run writes %v", left)
				}
				if err := os.MkdirAll(filepath.Join(volume, "raw", "in"), 0o755); err != nil { // with nothing in it
					t.Fatal(err)
				}
			}
			once(cache, dir, "volume:/raw/in", len(files), nil)
			equal(t, files, read(t, filepath.Join(volume, "raw", "in")))
			info, err := os.Stat(filepath.Join(volume, "raw", "in", "a.txt"))
			if err != nil || info.Mode().Perm() != 0o640 || info.ModTime().Unix() != 1700000000 {
				t.Errorf("%v, %v", info, err)
			}
			reads := 0
			by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) { reads++; return in, out }
			once(cache, dir, "volume:/raw/in", 0, nil)
			once(t.TempDir(), dir, "volume:/raw/in", 0, nil) // another machine
			if by.before = nil; reads != 2 {
				t.Errorf("with nothing to do, %d scripts run", reads)
			}
			once(cache, "volume:/raw/in", back, len(files), nil)
			equal(t, files, read(t, back))
			once(cache, "volume:/raw/in", back, 0, nil)
			once(t.TempDir(), "volume:/raw/in", back, 0, nil)

			write(t, dir, map[string]string{"a.txt": "two"}) // of the same size and time
			if err := os.Remove(filepath.Join(dir, "empty")); err != nil {
				t.Fatal(err)
			}
			once(cache, dir, "volume:/raw/in", 2, func(o *transfer.Options) { o.Delete, o.Exclude = true, []string{"-rf", "*.csv"} })
		})
	}
}
