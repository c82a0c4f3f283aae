package transfer_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestCatDecompresses prints what fake-gcs-server keeps compressed, and says of what is not gzip that it is not.
func TestCatDecompresses(t *testing.T) {
	address := testenv.CloudStorage(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	b := connect(t, address)
	put := func(name, content string) {
		t.Helper()
		url := address + "/upload/storage/v1/b/data/o?uploadType=media&contentEncoding=gzip&name=" + name
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
	put("good", zipped.String())
	put("bad", "not compressed at all")
	var out bytes.Buffer
	if err := transfer.Cat(t.Context(), b.Client, place(t, "gs://data/good"), &out); err != nil || out.String() != want {
		t.Errorf("%d bytes, want %d: %v", out.Len(), len(want), err)
	}
	if err := transfer.Cat(t.Context(), b.Client, place(t, "gs://data/bad"), &out); err == nil || err.Error() != "decompress gs://data/bad: gzip: invalid header" {
		t.Errorf("what is not gzip: %v", err)
	}
}
