package printer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/tasks/report"
)

// JSON writes r as an indented JSON object.
func JSON(w io.Writer, r *report.Result) error { return encode(w, r) }

// encode writes v as indented JSON. It escapes control characters, characters that change
// the direction of text, and what a workflow's runner would take for a command, so that
// the output is safe to show.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	text := bytes.ReplaceAll(b.Bytes(), []byte("##["), []byte(`\u0023#[`))
	var out bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.Write(text[:size])
		}
		text = text[size:]
	}
	_, err := w.Write(out.Bytes())
	return err
}
