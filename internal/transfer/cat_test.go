package transfer_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestCompressed prints what a bucket keeps compressed, and says of what is not gzip that it is not. All copies have
// the content as it is kept, and a copy in a bucket says that it is compressed.
func TestCompressed(t *testing.T) { checkCompressed(t, serve(t)) }

// TestCompressedWithFake does the same with fake-gcs-server.
func TestCompressedWithFake(t *testing.T) { checkCompressed(t, connectFake(t)) }

func checkCompressed(t *testing.T, b *buckets) {
	t.Helper()
	putCompressed := func(name, content string) {
		t.Helper()
		url := b.Address + "/upload/storage/v1/b/data/o?uploadType=media&contentEncoding=gzip&name=" + name
		response, err := http.Post(url, "text/csv", strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response.Status, err)
		}
	}
	want := strings.Repeat("a,b\n", 100_000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(want)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	files := map[string]string{"good": zipped.String(), "bad": "not compressed at all"}
	for name, content := range files {
		putCompressed(name, content)
	}
	dir, cache := t.TempDir(), t.TempDir()
	for _, pair := range [][2]string{{"gs://data", "gs://other"}, {"gs://other", dir}} {
		for changes := len(files); changes >= 0; changes -= len(files) {
			if s, err := b.sync(t, pair[0], pair[1], cache, nil); err != nil || len(s.Changes) != changes {
				t.Errorf("%s to %s: %+v, %v, want %d changes", pair[0], pair[1], s, err, changes)
			}
		}
	}
	equal(t, files, read(t, dir))
	one := filepath.Join(t.TempDir(), "one")
	if _, err := transfer.Copy(t.Context(), transfer.Options{Client: b.Client, From: place(t, "gs://other/good"), To: place(t, one), CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(one); err != nil || string(text) != zipped.String() {
		t.Errorf("copied: %d bytes, %v", len(text), err)
	}
	for _, bucket := range []string{"data", "other"} {
		var out bytes.Buffer
		if err := transfer.Cat(t.Context(), b.Client, place(t, "gs://"+bucket+"/good"), &out); err != nil || out.String() != want {
			t.Errorf("%s: %d bytes, want %d: %v", bucket, out.Len(), len(want), err)
		}
	}
	if err := transfer.Cat(t.Context(), b.Client, place(t, "gs://data/bad"), &bytes.Buffer{}); err == nil || err.Error() != "decompress gs://data/bad: gzip: invalid header" {
		t.Errorf("what is not gzip: %v", err)
	}
}
