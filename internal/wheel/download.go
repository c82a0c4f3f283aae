package wheel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// pipProcesses is the number of pip processes that download at the same time.
	pipProcesses = 4
	// staleAge is the age from which a temporary directory is taken to be that of a killed
	// process.
	staleAge = 24 * time.Hour
)

// wheel is a file that was chosen for a requirement and matches one of its hashes.
type wheel struct {
	requirement
	path, file, sum string
	size            int64
	// indexed reports whether the file came from an index, built whether it was built on
	// this machine.
	indexed, built bool
}

// store keeps wheels by their hash. It records which wheel was chosen for which requirement
// and target.
type store struct{ dir string }

// choice returns the path of the file that records which wheel was chosen.
func (c store) choice(t target, r requirement) string {
	text := fmt.Appendf(nil, "1 %s %s %q %q", t.full, t.platform, r.String(), r.hashes)
	if t.libc != defaultLibc() {
		text = fmt.Appendf(text, " %s", t.libc)
	}
	key := sha256.Sum256(text)
	return filepath.Join(c.dir, "chosen", hex.EncodeToString(key[:]))
}

// wheel returns the wheel that was chosen before, if it is in the cache and undamaged.
func (c store) wheel(ctx context.Context, t target, r requirement) (wheel, bool, error) {
	note, err := source.ReadFile(nil, c.choice(t, r), maxLock)
	if err != nil {
		return wheel{}, false, nil //nolint:nilerr // without a note it is chosen again
	}
	sum, file, ok := strings.Cut(string(note), " ")
	if !ok || !slices.Contains(r.hashes, sum) || file != filepath.Base(file) {
		return wheel{}, false, nil
	}
	w := wheel{requirement: r, path: filepath.Join(c.dir, "wheels", sum, file), file: file, sum: sum, indexed: true}
	have, size, err := hashFile(ctx, w.path)
	if ctx.Err() != nil {
		return wheel{}, false, ctx.Err()
	}
	if err != nil || have != sum {
		_ = os.RemoveAll(filepath.Dir(w.path)) // damaged: it is downloaded again
		return wheel{}, false, nil             //nolint:nilerr // what cannot be read is not in the cache
	}
	w.size = size
	return w, true, nil
}

// keep moves a downloaded file into the store and records the choice.
func (c store) keep(t target, r requirement, from, sum string, size int64) (wheel, error) {
	w := wheel{requirement: r, path: filepath.Join(c.dir, "wheels", sum, filepath.Base(from)), file: filepath.Base(from), sum: sum, size: size, indexed: true}
	if err := os.MkdirAll(filepath.Dir(w.path), 0o755); err != nil {
		return w, err
	}
	if err := os.Rename(from, w.path); err != nil {
		return w, err
	}
	return w, writeFile(c.choice(t, r), []byte(sum+" "+w.file))
}

// writeFile writes a file atomically: under its name it is complete or absent.
func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(name, text, 0o600)
}

func hashFile(ctx context.Context, name string) (sum string, size int64, err error) {
	file, err := source.Open(nil, name)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	h := sha256.New()
	size, err = io.Copy(h, contextio.NewReader(ctx, file))
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// pipFetch downloads the wheels of requirements with up to pipProcesses processes of pip,
// and calls handle with each.
func (s Spec) pipFetch(ctx context.Context, t target, missing []requirement, from *lockContent, handle handler) error {
	d, err := s.downloader(ctx, t, from)
	if err != nil {
		return err
	}
	d.total = len(missing)
	group, within := panics.WithContext(ctx)
	for side := range min(pipProcesses, len(missing)) {
		group.Go(func() error {
			var part []requirement
			for n := side; n < len(missing); n += pipProcesses {
				part = append(part, missing[n])
			}
			got, err := d.fetch(within, part)
			for _, w := range got {
				if err == nil {
					err = handle(within, w)
				}
			}
			return err
		})
	}
	err = group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if lacking := (*noWheelError)(nil); errors.As(err, &lacking) {
		return d.explainAllMissing(ctx, missing, lacking)
	}
	return err
}

// download is the configuration with which pip is run.
type download struct {
	spec    Spec
	pip     program
	target  target
	options []string
	store   store
	// begun counts the packages that pip has begun to download, out of total.
	begun atomic.Int64
	total int
}

// packages reports each package that pip begins to download, as read from pip's output.
func (d *download) packages(line string) {
	name, isOne := strings.CutPrefix(line, "Downloading ")
	if !isOne || d.spec.Progress == nil {
		return
	}
	if at := strings.LastIndexByte(name, '/'); at >= 0 { // a URL may contain a password
		name = name[at+1:]
	}
	d.spec.Progress(fmt.Sprintf("downloading package %d of %d: %s", d.begun.Add(1), d.total, name))
}

// downloader finds pip and prepares the directory for its downloads.
func (s Spec) downloader(ctx context.Context, t target, from *lockContent) (*download, error) {
	pip, err := s.pip(ctx)
	if err != nil {
		return nil, err
	}
	d := &download{spec: s, pip: pip, target: t, options: s.pipOptions(from), store: store{s.CacheDir}}
	d.pip.environ = append(d.pip.environ, s.indexEnvironment(from)...)
	return d, d.store.tidy(time.Now())
}

// tidy removes temporary directories that killed processes left.
func (c store) tidy(now time.Time) error {
	dir := filepath.Join(c.dir, "partial")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the download directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("clean the package cache: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > staleAge {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return nil
}

// args returns the arguments for a pip download that chooses for the target and builds
// nothing.
func (d *download) args(file, to string) []string {
	return append([]string{"download", "--dest=" + to}, d.choice(file)...)
}

// choice returns the options by which pip chooses wheels.
func (d *download) choice(file string) []string {
	args := []string{"--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar=off",
		"--implementation=cp", "--python-version=" + d.target.full, "--abi=" + d.target.abi(), "--abi=abi3", "--abi=none"}
	for _, platform := range d.target.platforms() {
		args = append(args, "--platform="+platform)
	}
	return append(args, "--requirement="+file)
}

// fetch downloads the wheels of some requirements with pip, and verifies them.
func (d *download) fetch(ctx context.Context, part []requirement) ([]wheel, error) {
	dir, err := os.MkdirTemp(filepath.Join(d.store.dir, "partial"), "")
	if err != nil {
		return nil, fmt.Errorf("create the download directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, to := filepath.Join(dir, "requirements.txt"), filepath.Join(dir, "wheels")
	if err := d.write(file, part); err != nil {
		return nil, fmt.Errorf("write the list of packages for pip: %w", err)
	}
	pip := d.pip
	pip.line = d.packages
	stdout, stderr, err := pip.run(ctx, d.args(file, to)...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, d.explain(ctx, part, dir, stdout+"\n"+stderr, err)
	}
	return d.verify(ctx, part, to)
}

// write writes a requirements file for pip. It has no markers, because every requirement in
// it applies to the target. Only the user can read the file, as the URL of an index in it
// may contain a password.
func (d *download) write(file string, part []requirement) error {
	var text strings.Builder
	for _, option := range d.options {
		fmt.Fprintln(&text, option)
	}
	for _, r := range part {
		fmt.Fprint(&text, r)
		for _, h := range r.hashes {
			fmt.Fprintf(&text, " --hash=sha256:%s", h)
		}
		fmt.Fprintln(&text)
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

// verify checks the hashes of the files that pip downloaded, and moves them into the store.
func (d *download) verify(ctx context.Context, part []requirement, dir string) ([]wheel, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the packages that pip downloaded: %w", err)
	}
	byName := map[string]string{}
	for _, f := range files {
		if n, ok := parseFilename(f.Name()); ok {
			byName[n.name] = f.Name()
		}
	}
	wheels := make([]wheel, len(part))
	for n, r := range part {
		file := byName[r.name]
		if file == "" {
			return nil, source.Errorf(r.at, "pip downloaded no wheel of %s", r)
		}
		from := filepath.Join(dir, file)
		sum, size, err := hashFile(ctx, from)
		if err != nil {
			return nil, fmt.Errorf("read the packages that pip downloaded: %w", err)
		}
		if !slices.Contains(r.hashes, sum) {
			return nil, hashNotInLock(r, file, sum)
		}
		if wheels[n], err = d.store.keep(d.target, r, from, sum, size); err != nil {
			return nil, fmt.Errorf("write a package to the cache: %w", err)
		}
	}
	return wheels, nil
}
