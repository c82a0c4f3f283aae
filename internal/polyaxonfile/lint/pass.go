package lint

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/source"
)

// pass is the state of checking one unit for one version of Polyaxon.
type pass struct {
	context.Context
	unit
	file    *file.File
	version schema.Version
	options Options
	rule    Rule
	cache   *cache

	findings []Finding
	// cachedScope and cachedUsage cache the results of scope and used.
	cachedScope *scope
	cachedUsage *usage
	// cachedTexts caches the templates of the unit.
	cachedTexts []located
}

// cache holds what the passes over a file share.
type cache struct {
	// parsed holds the parsed templates by their texts.
	parsed map[string]parsed
	// compiled holds the compiled units.
	compiled map[unitVersion]*compilation
}

func newCache() *cache {
	return &cache{parsed: map[string]parsed{}, compiled: map[unitVersion]*compilation{}}
}

func (p *pass) add(at source.Position, length int, hint, message string) *Finding {
	if len(p.findings) > maxFindings {
		return &Finding{} // it is never shown
	}
	p.findings = append(p.findings, Finding{
		Error: source.Error{Position: at, Message: message, Hint: hint}, Rule: p.rule.Name,
		Severity: p.rule.Severity, Stage: p.rule.Stage, Length: length,
	})
	return &p.findings[len(p.findings)-1]
}

// value reports a finding at the value at a path.
func (p *pass) value(path []string, hint, format string, args ...any) *Finding {
	at := p.file.At(path...)
	return p.add(at, p.length(at), hint, fmt.Sprintf(format, args...))
}

// key reports a finding at the key at the end of a path.
func (p *pass) key(path []string, hint, format string, args ...any) *Finding {
	at := p.file.AtKey(path...)
	return p.add(at, p.length(at), hint, fmt.Sprintf(format, args...))
}

// within reports a finding at a part of the text at a path: at its first occurrence from
// the beginning of the text.
func (p *pass) within(path []string, part, hint, format string, args ...any) *Finding {
	at, found := p.locate(p.file.At(path...), part)
	length := 0
	if found {
		length = utf8.RuneCountInString(part)
	}
	return p.add(at, length, hint, fmt.Sprintf(format, args...))
}

// maxLines is the number of lines in which a part of a text is searched for.
const maxLines = 30

// locate finds a part of a text, from a position on.
func (p *pass) locate(at source.Position, part string) (source.Position, bool) {
	if len(p.findings) >= maxFindings || part == "" {
		return at, false
	}
	for n := range maxLines {
		here := source.Position{File: at.File, Line: at.Line + n, Column: 1}
		line := p.file.Line(here)
		if n == 0 {
			skipped := 0
			for range max(0, at.Column-1) {
				_, size := utf8.DecodeRuneInString(line[skipped:])
				skipped += size
			}
			here.Column, line = at.Column, line[skipped:]
		}
		if i := strings.Index(line, part); i >= 0 {
			here.Column += utf8.RuneCountInString(line[:i])
			return here, true
		}
	}
	return at, false
}

// length returns the number of characters of the scalar or the key at a position.
func (p *pass) length(at source.Position) int {
	line := []rune(p.file.Line(at))
	if at.Column < 1 || at.Column > len(line) {
		return 0
	}
	rest := string(line[at.Column-1:])
	switch first := rest[0]; first {
	case '"', '\'':
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' && first == '"' {
				i++
			} else if rest[i] == first {
				return utf8.RuneCountInString(rest[:i+1])
			}
		}
		return utf8.RuneCountInString(rest)
	case '[', '{', '|', '>', '-', '&', '*':
		return 1
	}
	end := strings.IndexAny(rest, ",]}#")
	if i := strings.Index(rest, ": "); i >= 0 && (end < 0 || i < end) {
		end = i
	}
	if end >= 0 {
		rest = rest[:end]
	}
	return utf8.RuneCountInString(strings.TrimRight(strings.TrimSpace(rest), ":"))
}

// texts calls visit for every text in a value.
func texts(value any, path []string, visit func(text string, path []string)) {
	switch x := value.(type) {
	case map[string]any:
		for _, key := range sorted(x) {
			texts(x[key], extend(path, key), visit)
		}
	case []any:
		for i, element := range x {
			texts(element, extend(path, itoa(i)), visit)
		}
	case string:
		visit(x, path)
	}
}

func extend(path []string, keys ...string) []string {
	return append(append(make([]string, 0, len(path)+len(keys)), path...), keys...)
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func templated(text string) bool { return template.Has(text) }

// didYouMean returns a hint if one of the candidates is similar to a name.
func didYouMean(name string, candidates []string) string {
	if best, ok := source.Nearest(name, candidates); ok {
		return "did you mean " + best + "?"
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
