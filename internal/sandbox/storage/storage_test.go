package storage_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	server "github.com/slipway-ci/slipway/internal/sandbox/storage"
)

// TestRestart checks that objects and unfinished uploads outlast the process, and that what no upload
// can go on with is removed.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	a := serve(t, dir)
	a.create(t)
	before := a.put(t, "kept/a b", "hello", "", "").object(t)
	content := strings.Repeat("x", 512<<10)
	session := a.begin(t, "big", "")
	a.send(t, http.MethodPut, session, span(0, 256<<10, len(content)), content[:256<<10]).is(t, 308)
	left := filepath.Join(dir, "data", "uploads", "LEFT")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	b := serve(t, dir)
	if after := b.send(t, http.MethodGet, b.path("kept/a b"), nil, "").object(t); after.Generation != before.Generation {
		t.Errorf("after a restart: %+v, want %+v", after, before)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what a killed process left is there: %v", err)
	}
	session = strings.Replace(session, a.address, b.address, 1)
	if got := b.query(t, session, len(content)).header.Get("Range"); got != fmt.Sprintf("bytes=0-%d", 256<<10-1) {
		t.Errorf("the upload has %q", got)
	}
	b.send(t, http.MethodPut, session, span(256<<10, len(content), len(content)), content[256<<10:]).is(t, 200)
	if got := b.send(t, http.MethodGet, b.path("big")+"?alt=media", nil, "").is(t, 200); got.body != content {
		t.Errorf("the content has %d bytes", len(got.body))
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "data", "uploads", "*")); len(files) > 0 {
		t.Errorf("left %q", files)
	}
}

// TestRefusals checks that what clients may not do, or what is not there, is an error in Google's form.
func TestRefusals(t *testing.T) {
	a := serve(t, t.TempDir())
	a.create(t)
	for _, name := range []string{"", "ab", "A-B", "google-x", "goog-x", "-abc", "a..b", "../x", strings.Repeat("a", 64)} {
		a.send(t, http.MethodPost, "/storage/v1/b", nil, `{"name": "`+name+`"}`).is(t, 400)
	}
	upload := "/upload/storage/v1/b/data/o?uploadType="
	for path, code := range map[string]int{
		"/storage/v1/b/data/o/x/acl": 501, "/storage/v1/x": 404, upload + "other": 400, upload + "resumable&upload_id=..%2F..%2Fbucket": 404,
		upload + "media&name=x&ifGenerationMatch=one": 400,
	} {
		got := a.send(t, http.MethodPost, path, nil, "{}").is(t, code)
		if !strings.Contains(got.body, fmt.Sprintf(`"code":%d`, code)) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

// TestDamaged checks that a damaged object is named when the sandbox starts.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	a := serve(t, dir)
	a.create(t)
	a.put(t, "x", "hello", "", "").is(t, 200)
	files, _ := filepath.Glob(filepath.Join(dir, "data", "objects", "*", "*"))
	if len(files) != 1 {
		t.Fatalf("the object has the files %q", files)
	}
	for _, size := range []int64{0, 3, 20} {
		if err := os.Truncate(files[0], size); err != nil {
			t.Fatal(err)
		}
		if _, err := server.New(dir, io.Discard); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
	}
}
