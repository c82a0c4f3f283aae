package wheel

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// header holds the fields at the beginning of a METADATA or WHEEL file, which has the
// format of e-mail headers.
type header []field

type field struct{ name, value string }

func parseHeader(text string) header {
	var h header
	var more []string // the lines of the last field that follow its first one
	end := func() {
		if len(more) > 0 {
			last := &h[len(h)-1]
			last.value, more = last.value+"\n"+strings.Join(more, "\n"), nil
		}
	}
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		if l == "" {
			break // the description follows
		}
		if (l[0] == ' ' || l[0] == '\t') && len(h) > 0 {
			more = append(more, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "|")))
			continue
		}
		if name, value, ok := strings.Cut(l, ":"); ok {
			end()
			h = append(h, field{strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)})
		}
	}
	end()
	return h
}

// get returns the value of the first field with the given name, or "" if there is none.
func (h header) get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// metadata is the part of a METADATA file that is used.
type metadata struct {
	name, version, license string
	// python is the version specifier of Requires-Python.
	python string
	// requires are the required packages, including those for extras.
	requires []dependency
}

func parseMetadata(text string) metadata {
	h := parseHeader(text)
	m := metadata{name: h.get("Name"), version: h.get("Version"), license: license(h), python: h.get("Requires-Python")}
	for _, f := range h {
		if f.name != "requires-dist" {
			continue
		}
		if d, ok := parseDependency(f.value); ok {
			m.requires = append(m.requires, d)
		}
	}
	return m
}

// license returns the SPDX expression if there is one (PEP 639), otherwise a short License
// field, otherwise the licenses in the classifiers, otherwise the first line of License.
func license(h header) string {
	if expression := oneLine(h.get("License-Expression")); expression != "" {
		return expression
	}
	const short = 80 // longer texts are the license itself
	text := h.get("License")
	if text != "" && len(text) <= short && !strings.Contains(text, "\n") && !strings.EqualFold(text, "unknown") {
		return oneLine(text)
	}
	var names []string
	seen := map[string]bool{}
	for _, f := range h {
		path, ok := strings.CutPrefix(f.value, "License :: ")
		if f.name != "classifier" || !ok || path == "OSI Approved" {
			continue
		}
		parts := strings.Split(path, " :: ")
		if name := oneLine(parts[len(parts)-1]); !seen[name] {
			names, seen[name] = append(names, name), true
		}
	}
	if len(names) > 0 {
		return strings.Join(names, ", ")
	}
	first, _, _ := strings.Cut(text, "\n")
	if strings.EqualFold(first, "unknown") {
		return ""
	}
	return oneLine(first)
}

var blanks = lazyregexp.New(`[\s\p{Cc}]+`)

func oneLine(text string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(strings.ToValidUTF8(text, "\ufffd"), " "))
}
