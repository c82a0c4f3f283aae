package image

import (
	"strings"
	"testing"
)

// TestHiddenFiles leaves out files from which slipway.yaml reads secrets, and refuses to be told to add one.
func TestHiddenFiles(t *testing.T) {
	s, err := filesSpec(files{"conf/token.txt": "t", "conf/app.yaml": "a"}.write(t), ".").normalized()
	must(t, err)
	var said string
	s.Hidden, s.Notice = []string{"conf/token.txt"}, func(n Notice) { said += n.Text }
	entries, err := collect(t.Context(), s, openStamps(s))
	must(t, err)
	if len(entries) != 1 || entries[0].file != "conf/app.yaml" || !strings.Contains(said, "does not include conf/token.txt") {
		t.Errorf("got %v, and said %q", entries, said)
	}
	s.Files = []string{"conf/app.yaml", "conf/token.txt"}
	_, err = collect(t.Context(), s, openStamps(s))
	wantSourceError(t, err, "conf/token.txt is never added to an image, because slipway.yaml reads a secret from it")
}
