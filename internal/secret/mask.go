package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sort"
	"strings"
	"sync"
)

// shortest is the length, in bytes, below which a text is not masked: replacing
// such short texts would make output unreadable and protect little.
const shortest = 4

// Masker replaces secret values in text by ***: as they are, line by line, the
// strings inside a JSON value, and all of these in base64, JSON's, and URLs'
// escapes. It may be used by several goroutines.
type Masker struct {
	mu       sync.RWMutex
	forms    map[string]bool
	replacer *strings.Replacer
}

// NewMasker gives a Masker of values.
func NewMasker(values ...Value) *Masker {
	m := &Masker{forms: map[string]bool{}}
	m.Add(values...)
	return m
}

// Add has values masked from now on.
func (m *Masker) Add(values ...Value) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range values {
		for _, form := range Forms(v) {
			m.forms[form] = true
		}
	}
	texts := make([]string, 0, len(m.forms))
	for form := range m.forms {
		texts = append(texts, form)
	}
	// Longest first: a value that holds another one is masked whole.
	sort.Slice(texts, func(i, j int) bool {
		return len(texts[i]) > len(texts[j]) || len(texts[i]) == len(texts[j]) && texts[i] < texts[j]
	})
	pairs := make([]string, 0, 2*len(texts))
	for _, text := range texts {
		pairs = append(pairs, text, masked)
	}
	m.replacer = strings.NewReplacer(pairs...)
}

// Mask gives s with all values replaced.
func (m *Masker) Mask(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.replacer.Replace(s)
}

// Forms gives the texts that v may appear as in output.
func Forms(v Value) []string {
	seen := map[string]bool{}
	var forms []string
	add := func(text string) {
		if len(text) >= shortest && !seen[text] {
			seen[text] = true
			forms = append(forms, text)
		}
	}
	whole := string(v.Reveal())
	parts := append([]string{whole, strings.TrimSpace(whole)}, strings.Split(whole, "\n")...)
	var document any
	if json.Unmarshal(v.Reveal(), &document) == nil {
		parts = append(parts, jsonStrings(document)...)
	}
	for _, part := range parts {
		part = strings.TrimRight(part, "\r")
		if len(strings.TrimSpace(part)) < shortest {
			continue
		}
		add(part)
		add(strings.TrimSpace(part))
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			add(encoding.EncodeToString([]byte(part)))
		}
		add(url.QueryEscape(part))
		add(url.PathEscape(part))
		if quoted, err := json.Marshal(part); err == nil {
			add(strings.Trim(string(quoted), `"`))
		}
	}
	return forms
}

// jsonStrings gives the strings in a JSON value, at any depth, that are long
// enough to be secrets rather than words such as "type".
func jsonStrings(document any) []string {
	var texts []string
	switch x := document.(type) {
	case string:
		if len(x) > shortest {
			texts = append(texts, x)
			texts = append(texts, strings.Split(x, "\n")...)
		}
	case []any:
		for _, item := range x {
			texts = append(texts, jsonStrings(item)...)
		}
	case map[string]any:
		for _, item := range x {
			texts = append(texts, jsonStrings(item)...)
		}
	}
	return texts
}
