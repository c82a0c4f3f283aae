package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxNested is how many documents inside of documents are looked into.
const maxNested = 4

// parts gives the texts in a value that can be secret: of a text its lines, of a
// JSON document (a service account's key, Docker's configuration) the strings that
// do not say what, whose or where it is, and what these hold.
func parts(value []byte) []string {
	var p partition
	p.value(string(value), 0)
	return p.texts
}

type partition struct{ texts []string }

func (p *partition) add(text string) {
	if text = strings.TrimSpace(text); len(text) >= shortest && !slices.Contains(p.texts, text) {
		p.texts = append(p.texts, text)
	}
}

// value takes a whole value apart.
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
		if len(line) < inWords || strings.HasPrefix(line, "-----") {
			continue // a brace, or the frame of a key
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
		if of != nil && (len(of[2]) >= inWords || secretName.MatchString(name)) {
			p.line(of[2], nested)
		}
	}
}

// assignment finds NAME=value and name: value.
var assignment = regexp.MustCompile(`^(?:export\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[=:]\s*["']?(.*?)["']?,?$`)

// line takes one line of a text, which may be an encoding or an address.
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
	if len(text) < 2*inWords || nested > maxNested {
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

// isUser finds what may stand before a password.
var isUser = regexp.MustCompile(`^[\w.@+-]{1,128}$`)

// document takes a JSON object or list apart, and says whether text is one.
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
		case len(x) < inWords && !secretName.MatchString(name), isPublic(name, x):
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
	// publicName finds the names of what says what, whose or where something is.
	publicName = regexp.MustCompile(`(?i)^(type|kind|apiversion|version|name|project_?(id|number)?|quota_project_id|client_?(id|email)|.*_(uri|url)|universe_domain|` +
		`user(_?name)?|login|e?mail|host(name)?|port|server|endpoint|region|zone|location|account|database|db(_?name)?|audience|scopes?|subject_token_type)$`)
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|auth|cred|private|signature|cookie|session|dsn|webhook|^pin$`)
	address    = regexp.MustCompile(`^[\w.+-]+@[\w-]+(\.[\w-]+)+$`)
	word       = regexp.MustCompile(`^[a-z_. -]*$`)
	segment    = regexp.MustCompile(`^[A-Za-z0-9_-]{16,}$`)
)

// isPublic tells whether the value of a name in a document cannot be secret: an
// address without credentials, a word, or the value of a name that says so.
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
