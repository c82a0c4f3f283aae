package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

const (
	// minPiece is the length, in characters, of the shortest part of a base64 form that is
	// masked by itself. Programs break base64 into lines, and embed a value in longer base64.
	minPiece = 8
	// minTokenPiece is the same for a token that is not encoded. It is longer because the first
	// characters of a token often say what it is for.
	minTokenPiece = 16
	// maxDense is the length up to which any piece of a form is found. In a longer form only
	// every piece-th character is indexed, so some pieces must be longer to be found.
	maxDense = 16 << 10
)

// form is one text that a value may appear as.
type form struct {
	text string
	// piece is the length of the shortest part that is masked by itself, or 0 if only the
	// whole form is masked.
	piece int
	// word is set if the form is masked only where it is not part of a longer word.
	word bool
	// doubleEncoded is set for base64 of base64.
	doubleEncoded bool
}

func (f form) key() string { return strconv.Itoa(f.piece) + "\x00" + f.text }

func (f form) stride() int {
	if len(f.text) > maxDense {
		return minPiece
	}
	return 1
}

// match returns the part of text that is this form or a piece of it. The form's byte at
// stands at text[i], and the part does not begin before from. found is empty if there is
// none. open reports whether more text could turn it into a match, or make the match
// longer.
func (f *form) match(text []byte, i, at, from int) (found span, open bool) {
	n := 0
	for i+n < len(text) && at+n < len(f.text) && text[i+n] == f.text[at+n] {
		n++
	}
	for back := f.stride() - 1; back > 0 && i > from && at > 0 && text[i-1] == f.text[at-1]; back-- {
		i, at, n = i-1, at-1, n+1
	}
	found, open = span{i, i + n}, i+n == len(text)
	switch {
	case f.piece == 0 && n < len(f.text):
		if n >= minLengthCut && elided(text[i+n:]) {
			return found, open
		}
		return span{i, i}, open || strings.HasPrefix(ellipsisMarks[0], string(text[i+n:])) || strings.HasPrefix(ellipsisMarks[1], string(text[i+n:]))
	case f.word && !isWord(text, found):
		return span{i, i}, open
	case n < min(f.piece, len(f.text)):
		return span{i, i}, open
	}
	if f.piece == minPiece && at+n == len(f.text) {
		found.end += padding(text[found.end:])
		open = open || len(text)-found.end < 3
	}
	return found, open
}

// ellipsisMarks are the marks that slipway leaves where it cuts a text.
var ellipsisMarks = []string{"…", "...", " [slipway: "}

func elided(text []byte) bool {
	for _, ellipsis := range ellipsisMarks {
		if strings.HasPrefix(string(text[:min(len(text), len(ellipsis))]), ellipsis) {
			return true
		}
	}
	return false
}

// padding returns the length of the end of a base64 text: the character with the last
// bits, and the = signs. It returns 0 if there is no = sign.
func padding(text []byte) int {
	n := 0
	if n < len(text) && strings.IndexByte(alphabet, text[n]) >= 0 {
		n++
	}
	end := n
	for end < len(text) && text[end] == '=' && end < n+2 {
		end++
	}
	if end == n {
		return 0
	}
	return end
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"

// isWord reports whether s is not part of a longer word of text.
func isWord(text []byte, s span) bool {
	before, after := text[:s.start], text[s.end:]
	r, _ := utf8.DecodeLastRune(before)
	if inWord(r) && !endsEscape.Match(before[max(0, len(before)-8):]) {
		return false
	}
	r, size := utf8.DecodeRune(after)
	if r == '.' { // main.go is one word, but a dot may also end a sentence
		r, _ = utf8.DecodeRune(after[size:])
	}
	return !inWord(r)
}

// endsEscape matches an escape sequence of JSON, of a URL or of a terminal at the end of
// a text.
var endsEscape = lazyregexp.New(`(\\[nrtbf]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\x1b\[[0-9;]*m)$`)

func inWord(r rune) bool {
	return r == '_' || r == '-' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// derive returns the forms of one text: unchanged, escaped, and in base64 at each of the
// three alignments, encoded once and twice.
func derive(text string, escapes []func(string) string) []form {
	word := len(text) < minLengthInWords
	forms := []form{{text: text, word: word}}
	if token.MatchString(text) && strings.ContainsAny(text, "0123456789") {
		forms = append(forms, form{text: text, piece: minTokenPiece})
	}
	for _, escape := range append(encoders, escapes...) {
		if escaped := escape(text); escaped != text {
			forms = append(forms, form{text: escaped, word: len(escaped) < minLengthInWords})
		}
	}
	whole := base64.StdEncoding.EncodeToString([]byte(text))
	forms = append(forms, form{text: whole, word: word}, form{text: strings.TrimRight(whole, "="), word: word})
	if len(text) < 6 {
		return forms // too short to be recognized inside longer base64
	}
	for _, written := range slices.Compact([]string{text, inJSON(text), quoted(marshal(text))}) {
		forms = append(forms, encodings(written)...)
	}
	return forms
}

// encodings returns the forms of a text inside longer base64, encoded once and twice.
func encodings(text string) []form {
	var forms []form
	for _, once := range inBase64(text) {
		forms = append(forms, form{text: once, piece: minPiece})
		if websafe := urlAlphabet.Replace(once); websafe != once {
			forms = append(forms, form{text: websafe, piece: minPiece})
		}
		if len(text) > maxDense {
			continue
		}
		for _, again := range inBase64(once) {
			forms = append(forms, form{text: again, piece: 2 * minPiece, doubleEncoded: true})
		}
	}
	return forms
}

// token matches texts that are long enough, and unlike words, to be tokens.
var token = lazyregexp.New(`^[A-Za-z0-9+/=_.~-]{24,}$`)

var urlAlphabet = strings.NewReplacer("+", "-", "/", "_")

// inBase64 returns what text looks like inside longer base64, when it begins at the
// first, second or third byte of a group of three. It leaves out the characters that also
// hold bits of the text around it.
func inBase64(text string) []string {
	var list []string
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
		list = append(list, encoded[(8*before+5)/6:8*(before+len(text))/6])
	}
	return list
}

// encoders escape a text as JSON, Go, Python, URLs and HTML do.
var encoders = []func(string) string{
	inJSON, func(s string) string { return inJSON(inJSON(s)) }, func(s string) string { return inJSON(quoted(marshal(s))) },
	func(s string) string { return quoted(strconv.Quote(s)) },
	func(s string) string { return quoted(strconv.QuoteToASCII(s)) },
	url.QueryEscape, url.PathEscape,
	func(s string) string { return lowerHex.ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower) },
	func(s string) string { return lowerHex.ReplaceAllStringFunc(url.PathEscape(s), strings.ToLower) },
	func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	func(s string) string { return quoted(marshal(s)) },
	func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
	html.EscapeString,
}

var lowerHex = lazyregexp.New(`%[0-9A-F]{2}`)

func quoted(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`) }

// marshal returns s as encoding/json writes it, with the characters of HTML escaped and
// in quotes.
func marshal(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return s // strings always encode
	}
	return string(text)
}

// inJSON returns s as most other programs write it in JSON, without the quotes.
func inJSON(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // strings always encode
	return quoted(strings.TrimSuffix(b.String(), "\n"))
}
