package file

import (
	"bytes"
	"encoding/json"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// These patterns recognize a Polyaxonfile by its top-level keys: a kind that only
// Polyaxon has, or a version of Polyaxonfiles together with a key that says what to
// run. The latter also recognizes files of Polyaxon 0.x, and files whose kind is
// misspelt.
var (
	polyaxonKind    = lazyregexp.New(`(?m)^["']?kind["']?[ \t]*:[ \t]*["']?(?:component|operation)["']?[ \t]*(?:#.*)?$`)
	polyaxonVersion = lazyregexp.New(`(?m)^["']?version["']?[ \t]*:[ \t]*["']?(?:1(?:\.[0-9]{1,2})?|0\.[0-9]{1,2})["']?[ \t]*(?:#.*)?$`)
	polyaxonKeys    = lazyregexp.New(`(?m)^["']?(?:kind|run|component|build|hubRef|pathRef|urlRef|isPreset)["']?[ \t]*:`)
	braces          = lazyregexp.New(`^\s*\{`)
	kindInBraces    = lazyregexp.New(`["']?kind["']?\s*:\s*["']?(?:component|operation)\b`)
)

// Recognize reports whether a text that begins with head looks like a
// Polyaxonfile.
func Recognize(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n"))
	if braces.Match(head) {
		var keys map[string]json.RawMessage
		if json.Unmarshal(head, &keys) != nil {
			return kindInBraces.Match(head)
		}
		var top bytes.Buffer
		for key, value := range keys {
			if top.WriteString(key + ": "); len(value) < 40 {
				top.Write(bytes.ReplaceAll(value, []byte("\n"), []byte(" ")))
			}
			top.WriteString("\n")
		}
		head = top.Bytes()
	}
	return polyaxonKind.Match(head) || polyaxonVersion.Match(head) && polyaxonKeys.Match(head)
}
