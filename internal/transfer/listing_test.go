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

// TestList lists a directory of a bucket with and without a slash at its end. What only begins with the same letters is
// no part of it. A file does not become an object with the name of a directory.
func TestList(t *testing.T) { checkList(t, serve(t)) }

// TestListWithFake does the same with fake-gcs-server.
func TestListWithFake(t *testing.T) {
	checkList(t, connectFake(t))
}

func checkList(t *testing.T, b *buckets) {
	t.Helper()
	for _, name := range []string{"raw/a", "raw/sub/b", "raw2/c", "raw.csv", "both", "both/d", "empty/"} {
		if _, err := b.Upload(t.Context(), storage.Upload{Bucket: "data", Name: name, Content: bytes.NewReader(nil)}); err != nil {
			t.Fatal(err)
		}
	}
	here := func(path string) string { return path }
	place := func(address string) transfer.Place {
		p, err := transfer.ParsePlace(address, here)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for address, want := range map[string]struct{ names, all string }{
		"gs://data":           {"both/ empty/ raw/ raw2/ both raw.csv", "both both/d empty/ raw.csv raw/a raw/sub/b raw2/c"},
		"gs://data/raw":       {"raw/sub/ raw/a", "raw/a raw/sub/b"},
		"gs://data/raw/":      {"raw/sub/ raw/a", "raw/a raw/sub/b"},
		"gs://data/raw.csv":   {"raw.csv", "raw.csv"},
		"gs://data/both":      {"both/d both", "both/d both"},
		"gs://data/both/":     {"both/d", "both/d"},
		"gs://data/empty":     {"empty/", "empty/"},
		"gs://data/none-such": {"has no objects", "has no objects"},
		"gs://data/raw.csv/":  {"is one object, and no directory of objects", "is one object, and no directory of objects"},
		"gs://other":          {"", ""},
	} {
		for recursive, want := range map[bool]string{false: want.names, true: want.all} {
			var names []string
			for entry, err := range transfer.List(t.Context(), b.Client, place(address), recursive) {
				bad := new(transfer.NameError)
				switch {
				case errors.As(err, &bad):
					names = append(names, strings.Split(bad.Problem, ":")[0])
				case err != nil:
					t.Errorf("%s: %v", address, err)
				case entry.Object != nil:
					names = append(names, entry.Name)
				default:
					names = append(names, entry.Prefix)
				}
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s, recursive: %v: %q, want %q", address, recursive, got, want)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(file, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{"gs://data/raw": "is a directory: write gs://data/raw/ to copy into it", "gs://data/raw/": "", "gs://data/both": "", "gs://data/ra": ""} {
		_, err := transfer.Copy(t.Context(), transfer.Options{Client: b.Client, From: place(file), To: place(to), CacheDir: t.TempDir()})
		if bad := new(transfer.NameError); want == "" && err != nil || want != "" && (!errors.As(err, &bad) || bad.Problem != want) {
			t.Errorf("copy to %s: %v, want %s", to, err, want)
		}
	}
}
