package scaffold

import (
	"encoding/json"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var (
	plain    = lazyregexp.New(`^[A-Za-z./_][A-Za-z0-9./_-]*$`)
	word     = lazyregexp.New(`^(?i:true|false|yes|no|on|off|null|y|n|\.inf|\.nan|~)$`)
	isNumber = lazyregexp.New(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// quoted returns a text as YAML, in quotes where it needs them. A dollar sign is written as
// slipway.yaml has it.
func quoted(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if plain.MatchString(text) && !word.MatchString(text) {
		return text
	}
	b, err := json.Marshal(text)
	if err != nil {
		return `""` // texts can always be encoded
	}
	return string(b)
}

// scalar returns a value of a param of this type as YAML.
func scalar(text, of string) string {
	switch {
	case (of == "int" || of == "float") && isNumber.MatchString(text), of == "bool" && word.MatchString(text):
		return text
	}
	return quoted(text)
}

// flow returns a list of texts as YAML on one line.
func flow(words ...string) string {
	all := make([]string, len(words))
	for n, w := range words {
		all[n] = quoted(w)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// column is where comments begin.
const column = 40

// document is the text of a YAML file while it is written.
type document struct{ strings.Builder }

// line writes a line with a comment, which may be "".
func (d *document) line(text, comment string) {
	if comment == "" {
		d.WriteString(text + "\n")
		return
	}
	d.WriteString(text + strings.Repeat(" ", max(2, column-len(text))) + "# " + oneLine(comment) + "\n")
}

// comment writes lines of comment.
func (d *document) comment(lines ...string) {
	for _, l := range lines {
		d.WriteString("# " + oneLine(l) + "\n")
	}
}

// oneLine returns text for a comment, which ends at what YAML takes for the end of a line.
func oneLine(text string) string { return lineEnds.Replace(text) }

var lineEnds = strings.NewReplacer("\n", " ", "\r", " ", "\u0085", " ", "\u2028", " ", "\u2029", " ")

// variableName matches the name of an environment variable, and plainPath a path without
// characters that a shell or YAML reads.
var (
	variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainPath    = lazyregexp.New(`^[A-Za-z0-9._/@+-]+$`)
)
