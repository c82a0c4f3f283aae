package wheel

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// Each package that pip begins to download is reported, without its URL.
func TestPackageProgress(t *testing.T) {
	var told []string
	d := &download{spec: Spec{Progress: func(text string) { told = append(told, text) }}, total: 2}
	w := &lineWriter{tell: d.packages}
	for _, part := range []string{"Collecting numpy==2.2.6\n  Downloa", "ding numpy-2.2.6-cp312.whl (16.8 MB)\n", "  Downloading https://me:canary@pypi.example/torch-2.9.whl (900 MB)\nSaved\n"} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"downloading package 1 of 2: numpy-2.2.6-cp312.whl (16.8 MB)", "downloading package 2 of 2: torch-2.9.whl (900 MB)"}
	if !slices.Equal(told, want) {
		t.Errorf("%q", told)
	}
}

// For a file that is not a lock the error says how to make one.
func TestNotALock(t *testing.T) {
	for lock, want := range map[string]string{
		"environment.yml": "conda's", "Pipfile.lock": "pipenv requirements --hash", "pyproject.toml": "uv lock", "conda-lock.yml": "conda's", "lock.json": "name a uv.lock",
	} {
		var located *source.Error
		if _, err := (Spec{Name: "train", Lock: lock}).format(); !errors.As(err, &located) || !strings.Contains(located.Hint, want) {
			t.Errorf("%s: %v", lock, err)
		}
	}
}
