package bounded

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadAll(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		stream io.Reader
		limit  int64
		text   string
		err    string
	}{
		{strings.NewReader("abc"), 4, "abc", ""},
		{strings.NewReader("abcd"), 4, "abcd", ""},
		{strings.NewReader("abcde"), 4, "abcd", "it has more than 4 bytes"},
		{strings.NewReader(strings.Repeat("x", 2<<20+1)), 2 << 20, strings.Repeat("x", 2<<20), "it has more than 2 MiB"},
		{io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), 4, "abc", "broken"},
		// What comes after the limit is not read.
		{io.MultiReader(strings.NewReader("abcde"), iotest.ErrReader(broken)), 4, "abcd", "it has more than 4 bytes"},
	} {
		text, err := ReadAll(c.stream, c.limit)
		if said := errorText(err); string(text) != c.text || said != c.err {
			t.Errorf("%d bytes, %q: want %d, %q", len(text), said, len(c.text), c.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
