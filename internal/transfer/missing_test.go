package transfer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestMissing refuses a source in a bucket that has nothing, and names what was probably meant. A directory that is
// only empty, or of which nothing is left, is none.
func TestMissing(t *testing.T) { checkMissing(t, serve(t)) }

// TestMissingWithFake does the same with fake-gcs-server.
func TestMissingWithFake(t *testing.T) {
	checkMissing(t, connectFake(t))
}

func checkMissing(t *testing.T, b *buckets) {
	t.Helper()
	for _, name := range []string{"raw/2024/a.csv", "raw/2025/a.csv", "hollow/", "one.csv"} {
		if _, err := b.Upload(t.Context(), storage.Upload{Bucket: "data", Name: name, Content: bytes.NewReader(nil)}); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[string]string{
		"gs://data/rwa":               "has no objects; did you mean gs://data/raw/?",
		"gs://data/rwa/2024":          "has no objects; did you mean gs://data/raw/?",
		"gs://data/raw/2O24/":         "has no objects; did you mean gs://data/raw/2024/?",
		"gs://data/nothing-like-that": "has no objects: check the address",
		"gs://data/one.csv":           "is one object, and no directory of objects: copy it with `slipway data cp`",
		"gs://data/hollow":            "",
		"gs://data/raw":               "",
		"gs://other":                  "",
	} {
		for _, dry := range []bool{true, false} {
			to := filepath.Join(t.TempDir(), "to")
			_, err := b.sync(t, from, to, t.TempDir(), func(o *transfer.Options) { o.DryRun, o.Exclude = dry, []string{"*.csv", "raw"} })
			if want == "" && err != nil {
				t.Errorf("%s, dry run %t: %v", from, dry, err)
			}
			if bad := new(transfer.NameError); want != "" && (!errors.As(err, &bad) || bad.Problem != want) {
				t.Errorf("%s, dry run %t: %v\nwant %s", from, dry, err, want)
			}
			if _, made := os.Stat(to); want != "" && made == nil {
				t.Errorf("%s: made the directory", from)
			}
		}
	}
	if _, err := b.sync(t, t.TempDir(), "gs://other/new", t.TempDir(), nil); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	// What would be refused is refused in a dry run, too.
	_, err := b.sync(t, t.TempDir(), "gs://data", t.TempDir(), func(o *transfer.Options) { o.DryRun, o.Delete = true, true })
	if err == nil || !strings.Contains(err.Error(), "would be deleted") {
		t.Errorf("delete everything: %v", err)
	}
}

// TestOverlap refuses a copy of a place into itself, and into what is in it.
func TestOverlap(t *testing.T) {
	b := serve(t)
	volume := t.TempDir()
	write(t, volume, map[string]string{"raw/a": "x"})
	if _, err := b.sync(t, filepath.Join(volume, "raw"), "gs://data/raw", t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from, to string
		refused  bool
	}{
		{"gs://data/raw", "gs://data/raw/sub", true},
		{"gs://data/raw/", "gs://data/raw", true},
		{"gs://data/raw", "gs://data", true},
		{"gs://data", "gs://data/backup", true},
		{"gs://data/raw", "gs://data/raw2", false},
		{"gs://data/raw", "gs://other/raw/sub", false},
		{"volume:/raw", "volume:/raw/sub", true},
		{"volume:/", "volume:/raw", true},
		{"volume:/raw", "volume:/raw2", false},
	} {
		_, err := b.sync(t, test.from, test.to, t.TempDir(), func(o *transfer.Options) { o.From.Volume, o.To.Volume = volume, volume })
		if bad := new(transfer.NameError); (err != nil) != test.refused || err != nil && (!errors.As(err, &bad) || !strings.Contains(bad.Problem, "in one another")) {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
}
