package debian

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

const (
	// preferencesFile and preferencesDir are where apt's pins are.
	preferencesFile = "/etc/apt/preferences"
	preferencesDir  = "/etc/apt/preferences.d"
)

// pins are the records of apt_preferences(5), by which a machine prefers versions of packages. The first record that
// names a package decides, and without one the first for all packages.
type pins struct{ named, general []pin }

// pin is one record.
type pin struct {
	// packages are the names of the packages, and sources those of their source packages.
	packages, sources []pattern
	// kind is what values are about: release, origin or version.
	kind string
	// values are what the release must have, by its letters, such as a for its suite. Under "" is the one of another
	// kind, or what the suite, the code name or the version of the release is.
	values   map[string]pattern
	priority int
}

// pattern is a name, a pattern of a shell, or a regular expression.
type pattern struct {
	text  string
	regex *regexp.Regexp
}

func newPattern(text string) (p pattern, err error) {
	p.text = text
	if len(text) > 2 && text[0] == '/' && text[len(text)-1] == '/' {
		if p.regex, err = regexp.Compile(text[1 : len(text)-1]); err != nil {
			return p, fmt.Errorf("%s is not a regular expression: %w", text, err)
		}
	}
	return p, nil
}

func (p pattern) matches(text string) bool {
	if p.regex != nil {
		return p.regex.MatchString(text)
	}
	found, err := path.Match(p.text, text)
	return found && err == nil || p.text == text
}

func matchesAny(all []pattern, text string) bool {
	for _, p := range all {
		if p.matches(text) {
			return true
		}
	}
	return false
}

// isPinFile matches the names of the files in preferencesDir that apt reads.
func isPinFile(name string) bool {
	return (path.Ext(name) == "" || path.Ext(name) == ".pref") && !strings.HasPrefix(path.Base(name), ".")
}

// readPins returns the pins that apt's files have, or an *Error.
func readPins(in files) (pins, error) {
	var all pins
	for _, file := range append([]string{preferencesFile}, in.Files(preferencesDir)...) {
		text, ok := in.File(file)
		if !ok || !isPinFile(file) {
			continue
		}
		err := readParagraphs(bytes.NewReader(text), nil, all.add)
		if err != nil {
			return pins{}, &Error{Message: fmt.Sprintf("has pins of apt that cannot be read: %s: %v", file, err), Hint: "correct the file", Err: err}
		}
	}
	return all, nil
}

// add adds a record.
func (all *pins) add(p paragraph) error {
	if p["package"] == "" && p["pin"] == "" {
		return nil // only an explanation
	}
	one := pin{values: map[string]pattern{}}
	var err error
	if one.priority, err = strconv.Atoi(strings.TrimSpace(p["pin-priority"])); err != nil {
		return fmt.Errorf("the priority %q of %s is not a number", p["pin-priority"], p["package"])
	}
	value := ""
	if one.kind, value, _ = strings.Cut(strings.TrimSpace(p["pin"]), " "); one.kind != "release" && one.kind != "origin" && one.kind != "version" {
		return fmt.Errorf("%q is not a pin of a release, an origin or a version", p["pin"])
	}
	for part := range strings.SplitSeq(value, ",") {
		name, is, found := strings.Cut(strings.TrimSpace(part), "=")
		if one.kind != "release" || !found {
			name, is = "", name
		}
		if one.values[name], err = newPattern(strings.Trim(strings.TrimSpace(is), `"`)); err != nil {
			return err
		}
	}
	for name := range strings.FieldsSeq(p["package"]) {
		source, isSource := strings.CutPrefix(name, "src:")
		name, _, _ = strings.Cut(source, ":") // of an architecture
		if name == "*" && !isSource {
			all.general = append(all.general, one)
			return nil
		}
		match, err := newPattern(name)
		if err != nil {
			return err
		}
		if isSource {
			one.sources = append(one.sources, match)
		} else {
			one.packages = append(one.packages, match)
		}
	}
	all.named = append(all.named, one)
	return nil
}

// origin is where the versions of an index come from.
type origin struct {
	host, component string
	release         *release
}

// rank returns how much apt prefers a version that comes from a place. A version with a negative rank is never
// installed.
func (all pins) rank(p *Package, from origin) int {
	for _, one := range all.named {
		if (matchesAny(one.packages, p.Name) || matchesAny(one.sources, p.source)) && one.holds(p.Version, from) {
			return one.priority
		}
	}
	for _, one := range all.general {
		if one.holds(p.Version, from) {
			return one.priority
		}
	}
	return from.release.rank
}

// holds reports whether a version that comes from a place is one that the record is about.
func (p pin) holds(version string, from origin) bool {
	switch p.kind {
	case "version":
		return p.values[""].matches(version)
	case "origin":
		return p.values[""].matches(from.host)
	}
	labels := from.release.labels
	for letter, value := range p.values {
		switch {
		case letter == "" && value.text == "*":
		case letter == "":
			if !value.matches(labels["a"]) && !value.matches(labels["n"]) && !value.matches(labels["v"]) {
				return false
			}
		case letter == "c":
			if !value.matches(from.component) {
				return false
			}
		case !value.matches(labels[letter]):
			return false
		}
	}
	return true
}
