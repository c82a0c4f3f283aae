package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// maxNested bounds the depth of documents inside of documents.
const maxNested = 4

// parts returns the texts in a value that may be secret. For a text they are its lines.
// For a JSON document, such as a service account's key or a Docker configuration, they
// are the strings that do not merely name a type, an owner or a place, and the parts of
// these strings.
func parts(value []byte) []string {
	p := partition{known: map[string]bool{}}
	p.value(string(value), 0)
	return p.texts
}

// partition is the parts that were found, each once.
type partition struct {
	texts []string
	known map[string]bool
}

func (p *partition) add(text string) {
	if text = strings.TrimSpace(text); len(text) >= minLength && !p.known[text] {
		p.known[text] = true
		p.texts = append(p.texts, text)
	}
}

// value adds the parts of a whole value.
func (p *partition) value(text string, nested int) {
	text = strings.TrimSpace(text)
	if nested > maxNested || p.document(text, nested) {
		return
	}
	if !strings.Contains(text, "\n") {
		p.line(text, nested)
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if len(line) < minLengthInWords || strings.HasPrefix(line, "-----") {
			continue // a brace, or the header of a PEM block
		}
		name, of := "", assignment.FindStringSubmatch(line)
		if of != nil {
			name = of[1]
		}
		switch {
		case of == nil || secretName.MatchString(name) || !isPublic(name, of[2]):
			p.add(line)
		default:
			continue
		}
		if of != nil && (len(of[2]) >= minLengthInWords || secretName.MatchString(name)) {
			p.line(of[2], nested)
		}
	}
}

// assignment matches NAME=value and name: value.
var assignment = lazyregexp.New(`^(?:export\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[=:]\s*["']?(.*?)["']?,?$`)

// line adds the parts of one line, which may be an encoding or a URL.
func (p *partition) line(text string, nested int) {
	p.add(text)
	if at, err := url.Parse(text); err == nil && at.User != nil {
		password, _ := at.User.Password()
		p.add(password)
	}
	for _, scheme := range []string{"Bearer ", "Basic ", "bearer ", "basic ", "token "} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			p.line(rest, nested+1)
		}
	}
	if len(text) < 2*minLengthInWords || nested > maxNested {
		return
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || !utf8.Valid(decoded) {
		return
	}
	if p.document(string(decoded), nested+1) {
		return
	}
	if user, password, ok := strings.Cut(string(decoded), ":"); ok && isUser.MatchString(user) {
		p.value(password, nested+1)
	}
}

// isUser matches a user name in front of a password.
var isUser = lazyregexp.New(`^[\w.@+-]{1,128}$`)

// document adds the parts of a JSON object or array, and reports whether text is one.
func (p *partition) document(text string, nested int) bool {
	if text = strings.TrimSpace(text); text == "" || text[0] != '{' && text[0] != '[' {
		return false
	}
	var document any
	if json.Unmarshal([]byte(text), &document) != nil {
		return false
	}
	p.walk("", document, nested+1)
	return true
}

func (p *partition) walk(name string, node any, nested int) {
	switch x := node.(type) {
	case string:
		switch {
		case p.document(x, nested):
		case len(x) < minLengthInWords && !secretName.MatchString(name), isPublic(name, x):
		default:
			p.value(x, nested+1)
		}
	case []any:
		for _, item := range x {
			p.walk(name, item, nested)
		}
	case map[string]any:
		for key, item := range x {
			p.walk(key, item, nested)
		}
	}
}

var (
	// publicName matches the names of fields that hold a type, an owner or a place, and no
	// secret.
	publicName = lazyregexp.New(`(?i)^(type|kind|apiversion|version|name|project_?(id|number)?|quota_project_id|client_?(id|email)|.*_(uri|url)|universe_domain|` +
		`user(_?name)?|login|e?mail|host(name)?|port|server|endpoint|region|zone|location|account|database|db(_?name)?|audience|scopes?|subject_token_type)$`)
	secretName = lazyregexp.New(`(?i)pass|pwd|secret|token|key|auth|cred|private|signature|cookie|session|dsn|webhook|^pin$`)
	address    = lazyregexp.New(`^[\w.+-]+@[\w-]+(\.[\w-]+)+$`)
	word       = lazyregexp.New(`^[a-z_. -]*$`)
	segment    = lazyregexp.New(`^[A-Za-z0-9_-]{16,}$`)
)

// isPublic reports whether the value of a field cannot be secret: a URL without
// credentials, plain words, or the value of a field with a public name.
func isPublic(name, value string) bool {
	at, err := url.Parse(value)
	isURL := err == nil && at.Scheme != "" && at.Host != ""
	switch {
	case isURL && (at.User != nil || at.RawQuery != ""):
		return false
	case isURL:
		return !slices.ContainsFunc(strings.Split(at.Path, "/"), func(s string) bool { return segment.MatchString(s) && strings.ContainsAny(s, "0123456789") })
	case publicName.MatchString(name), address.MatchString(value):
		return true
	}
	return word.MatchString(value) && !secretName.MatchString(name)
}
