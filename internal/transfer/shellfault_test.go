package transfer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// byShell returns a sync from a directory to volume:/raw by a shell, and the other way round.
func byShell(t *testing.T, by *shell) (volume, dir string, in, out func() (*transfer.Summary, error)) {
	t.Helper()
	b := serve(t)
	volume, dir = t.TempDir(), t.TempDir()
	set := func(o *transfer.Options) {
		for _, p := range []*transfer.Place{&o.From, &o.To} {
			if p.InVolume {
				p.Shell, p.Volume = by, volume
			}
		}
	}
	cache := t.TempDir()
	return volume, dir, func() (*transfer.Summary, error) { return b.sync(t, dir, "volume:/raw", cache, set) },
		func() (*transfer.Summary, error) { return b.sync(t, "volume:/raw", dir, cache, set) }
}

// TestShellBreaks breaks a sync at many places of what is sent. Never is a file left that is not complete, and the
// next sync goes on.
func TestShellBreaks(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			volume, dir, in, _ := byShell(t, by)
			files := map[string]string{"a": strings.Repeat("a", 700), "dir/b": "b", "c": strings.Repeat("c", 3000)}
			write(t, dir, files)
			for _, damaged := range []bool{false, true} {
				for at := int64(0); at < 12<<10; at += 509 {
					by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) {
						if in != nil && strings.Contains(script, "tar -x") {
							in = &breaking{r: in, left: at, damages: damaged}
						}
						return in, out
					}
					_, err := in()
					got := read(t, filepath.Join(volume, "raw"))
					for name, text := range got {
						if files[name] != text {
							t.Fatalf("broken at %d (%v): %s has %q", at, err, name, text)
						}
					}
					if err == nil {
						equal(t, files, got)
					}
					if parts, _ := filepath.Glob(filepath.Join(volume, ".slipway", "part-*")); len(parts) > 0 {
						t.Fatalf("broken at %d (%v): %v are left", at, err, parts)
					}
					if err := os.RemoveAll(filepath.Join(volume, "raw")); err != nil {
						t.Fatal(err)
					}
				}
			}
			by.before = nil
			if _, err := in(); err != nil {
				t.Error(err)
			}
			equal(t, files, read(t, filepath.Join(volume, "raw")))
		})
	}
}

// breaking is a reader that ends early, or that damages one byte.
type breaking struct {
	r       io.Reader
	left    int64
	damages bool
}

func (b *breaking) Read(p []byte) (int, error) {
	if !b.damages && b.left == 0 {
		return 0, io.EOF
	}
	if !b.damages && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	if b.damages && b.left >= 0 && b.left < int64(n) {
		p[b.left] ^= 1
	}
	b.left -= int64(n)
	return n, err
}

// TestShellConflicts changes files while they are copied. They are left, and named; all others are copied.
func TestShellConflicts(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			volume, dir, in, out := byShell(t, by)
			raw := filepath.Join(volume, "raw")
			write(t, dir, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"})
			if _, err := in(); err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{"a": "one", "b": "two", "c": "three", "new": "new"})
			by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) {
				if strings.Contains(script, "tar -x") { // after the listing
					write(t, raw, map[string]string{"b": "job", "new": "job"})
				}
				return in, out
			}
			done, err := in()
			if errs := new(transfer.FileErrors); !errors.As(err, &errs) || len(errs.Errs) != 2 || !errors.As(err, new(*storage.ConflictError)) || len(done.Changes) != 2 {
				t.Errorf("%+v, %v", done, err)
			}
			equal(t, map[string]string{"a": "one", "b": "job", "c": "three", "d": "4", "new": "job"}, read(t, raw))

			// The other way round, with files that grow, shrink and vanish while they are read.
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, raw, map[string]string{"e": strings.Repeat("e", 100)})
			first := true
			by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) {
				if strings.Contains(script, "exec sh -s") && first {
					first = false
					write(t, raw, map[string]string{"a": "longer", "c": "", "e": strings.Repeat("f", 100)})
					_ = os.Remove(filepath.Join(raw, "new"))
				}
				return in, out
			}
			done, err = out()
			if errs := new(transfer.FileErrors); !errors.As(err, &errs) || len(errs.Errs) != 4 || !errors.As(err, new(*transfer.ChangedError)) || len(done.Changes) != 2 {
				t.Errorf("%+v, %v", done, err)
			}
			equal(t, map[string]string{"b": "job", "d": "4"}, read(t, dir))
			by.before = nil
			if _, err := out(); err != nil {
				t.Error(err)
			}
			equal(t, read(t, raw), read(t, dir))
		})
	}
}

// TestShellLinks checks that nothing is written outside of a target, whatever links jobs have made, and that a link
// counts as its file.
func TestShellLinks(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			volume, dir, in, out := byShell(t, by)
			outside, raw := t.TempDir(), filepath.Join(volume, "raw")
			if err := errors.Join(os.Mkdir(raw, 0o755), os.Mkdir(filepath.Join(volume, "other"), 0o755), os.Symlink("../other", filepath.Join(raw, "sub")),
				os.Symlink("file", filepath.Join(raw, "link")), os.Symlink("/etc/passwd", filepath.Join(raw, "away")), os.Symlink(outside, filepath.Join(volume, "out"))); err != nil {
				t.Fatal(err)
			}
			write(t, raw, map[string]string{"file": "file"})
			if _, err := out(); err != nil {
				t.Error(err)
			}
			equal(t, map[string]string{"file": "file", "link": "file"}, read(t, dir))
			write(t, dir, map[string]string{"sub/a.txt": "one", "link": "changed"})
			if _, err := in(); !errors.As(err, new(*transfer.NameError)) || !strings.Contains(err.Error(), "below a link") {
				t.Error(err)
			}
			for _, to := range []string{"volume:/out", "volume:/out/below"} {
				_, err := serve(t).sync(t, dir, to, t.TempDir(), func(o *transfer.Options) { o.To.Shell, o.To.Volume = by, volume })
				if !errors.As(err, new(*transfer.NameError)) || !strings.Contains(err.Error(), "leads out of the volume") {
					t.Errorf("%s: %v", to, err)
				}
			}
			equal(t, nil, read(t, outside))
			equal(t, nil, read(t, filepath.Join(volume, "other")))
			if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

// TestShellBuckets copies from a bucket to a volume by a shell, and back.
func TestShellBuckets(t *testing.T) {
	b, volume, dir, files := serve(t), t.TempDir(), t.TempDir(), tree()
	by := shells(t)["sh"]
	write(t, dir, files)
	cache := t.TempDir()
	for _, pair := range [][2]string{{dir, "gs://data/raw"}, {"gs://data/raw", "volume:/raw"}, {"volume:/raw", "gs://other/back"}} {
		for _, want := range []int{len(files), 0} {
			done, err := b.sync(t, pair[0], pair[1], cache, func(o *transfer.Options) {
				o.From.Volume, o.To.Volume = volume, volume
				if o.From.InVolume {
					o.From.Shell = by
				}
				if o.To.InVolume {
					o.To.Shell = by
				}
			})
			if err != nil || len(done.Changes) != want {
				t.Fatalf("%v: %+v, %v, want %d changes", pair, done, err, want)
			}
		}
	}
	equal(t, files, read(t, filepath.Join(volume, "raw")))
	if spools, _ := filepath.Glob(filepath.Join(cache, "spool-*")); len(spools) > 0 {
		t.Errorf("%v are left", spools)
	}
}

// TestShellRefused checks that a volume which cannot be written to is an error that says so, and no more is sent.
func TestShellRefused(t *testing.T) {
	for name, by := range shells(t) {
		t.Run(name, func(t *testing.T) {
			volume, dir, in, _ := byShell(t, by)
			write(t, dir, map[string]string{"big": strings.Repeat("big", 8<<20)})
			write(t, volume, map[string]string{".slipway": "not a directory"})
			sent := &sentBytes{}
			by.before = func(script string, in io.Reader, out io.Writer) (io.Reader, io.Writer) {
				if in != nil && strings.Contains(script, "tar -x") {
					sent.Reader, in = in, sent
				}
				return in, out
			}
			if _, err := in(); err == nil || !strings.Contains(err.Error(), ".slipway") || sent.n > 8<<20 {
				t.Errorf("%v, after %d bytes", err, sent.n)
			}
		})
	}
}

// sentBytes counts what is read.
type sentBytes struct {
	io.Reader
	n int
}

func (s *sentBytes) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.n += n
	return n, err
}

// late is a Shell that takes its time to say why a script has failed.
type late struct{}

func (late) Name() string { return "test" }

func (late) Run(ctx context.Context, script string, in io.Reader, out io.Writer) error {
	if !strings.HasPrefix(script, "sends=1\n") {
		_, err := io.WriteString(out, "absent\n")
		return err
	}
	if _, err := io.WriteString(out, "failed\n"); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(200 * time.Millisecond):
		return errors.New("read-only file system")
	}
}

// TestShellSaysWhy waits for the reason of a script that took no more input.
func TestShellSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"big": strings.Repeat("x", 1<<20)})
	to := place(t, "volume:/raw")
	to.Shell, to.Volume = late{}, "/volume"
	_, err := transfer.Sync(t.Context(), transfer.Options{From: place(t, dir), To: to, CacheDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "read-only file system") {
		t.Error(err)
	}
}
