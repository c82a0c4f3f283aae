package transfer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestVolume copies a directory to the volume of this machine, from there to a bucket, and back.
func TestVolume(t *testing.T) {
	b, volume, cache, files := serve(t), t.TempDir(), t.TempDir(), tree()
	dir := t.TempDir()
	write(t, dir, files)
	in := func(o *transfer.Options) { o.From.Volume, o.To.Volume = volume, volume }
	for _, pair := range [][2]string{{dir, "volume:/raw"}, {"volume:/raw", "gs://data/raw"}, {"gs://data/raw", "volume:/back"}, {"volume:/back", "volume:/twice/again"}} {
		for _, want := range []int{len(files), 0} {
			done, err := b.sync(t, pair[0], pair[1], cache, in)
			if err != nil || len(done.Changes) != want {
				t.Fatalf("%v: %+v, %v, want %d changes", pair, done, err, want)
			}
		}
	}
	equal(t, files, read(t, filepath.Join(volume, "twice", "again")))
	info, err := os.Stat(filepath.Join(volume, "twice", "again", "a.txt"))
	if err != nil || info.Mode().Perm() != 0o640 || info.ModTime().Unix() != 1700000000 {
		t.Errorf("%v, %v", info, err)
	}
	write(t, dir, map[string]string{"a.txt": "two"}) // of the same size and time
	if done, err := b.sync(t, dir, "volume:/raw", cache, in); err != nil || len(done.Changes) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	equal(t, read(t, dir), read(t, filepath.Join(volume, "raw")))
}

// TestVolumeLinks checks that nothing is written outside of a target in the volume, whatever links are there.
func TestVolumeLinks(t *testing.T) {
	b, volume, outside, dir := serve(t), t.TempDir(), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"sub/a.txt": "one"})
	in := func(o *transfer.Options) { o.To.Volume = volume }
	if err := errors.Join(os.Mkdir(filepath.Join(volume, "raw"), 0o755), os.Mkdir(filepath.Join(volume, "other"), 0o755),
		os.Symlink(outside, filepath.Join(volume, "out")), os.Symlink("../other", filepath.Join(volume, "raw", "sub"))); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"volume:/out", "volume:/out/below", "volume:/raw"} {
		if done, err := b.sync(t, dir, to, t.TempDir(), in); err == nil {
			t.Errorf("%s: %+v", to, done)
		}
	}
	equal(t, nil, read(t, outside))
	equal(t, nil, read(t, filepath.Join(volume, "other")))
	for _, bad := range []string{"volume:raw", "volume:", "volume:/../raw", "volume:/a/../../b", "volume:/a//b"} {
		if p, err := transfer.ParsePlace(bad, func(s string) string { return s }); err == nil {
			t.Errorf("%s is %+v", bad, p)
		}
	}
}
