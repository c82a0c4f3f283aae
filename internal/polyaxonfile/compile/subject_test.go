package compile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// subject is what a refusal is about.
type subject struct {
	// Path is the keys that lead to the value. Polyaxon's paths also contain steps of its
	// parser: the kind of a run, and the types of a union.
	Path []string
	// Kind is the name of a problem of slipway, or the type of an error of pydantic. It is ""
	// when only the message describes the mistake.
	Kind, Message string
}

// refusedError holds the problems of a file that is not compiled because of them.
type refusedError struct{ problems []file.Problem }

// Error returns all problems that are errors.
func (e *refusedError) Error() string { return fmt.Sprint(file.Errors(e.problems)) }

// subjectsOf returns what an error of slipway is about.
func subjectsOf(err error) []subject {
	var all []subject
	if found := new(refusedError); errors.As(err, &found) {
		for _, p := range found.problems {
			if p.Severity == file.SeverityError && (p.Stage == file.StageSubmit || p.Stage == file.StageCompile) {
				all = append(all, subject{p.Path, p.Name, p.Message})
			}
		}
		return all
	}
	for _, found := range validation.FindAllStringSubmatch(err.Error(), -1) {
		all = append(all, subject{strings.Split(found[1], "."), found[3], found[2]})
	}
	if all == nil {
		all = []subject{{Message: err.Error()}}
	}
	return all
}

// validation matches slipway's messages in pydantic's form.
var validation = regexp.MustCompile(`(?m)^([\w. -]+)\n {2}(.*?)(?: \[type=(\w+)\])?$`)

// category returns the category of a subject's mistake.
func (s subject) category() string {
	switch s.Kind {
	case "missing", "union_tag_not_found", "missing-key", "missing-kind", "version-missing":
		return "missing"
	case "extra_forbidden", "unknown-key", "newer-key", "removed-key":
		return "unknown"
	case "enum", "literal_error", "union_tag_invalid", "unknown-kind", "unknown-type", "version-unknown", "bad-value":
		return "choice"
	case "not-yaml":
		return "syntax"
	case "unresolved-reference":
		return "reference"
	case "", "value_error":
	default:
		if strings.Contains(s.Kind, "-") && !slices.Contains([]string{"wrong-type", "bad-name", "bad-quantity", "unquoted-date"}, s.Kind) {
			return "rule"
		}
		return "value"
	}
	for _, x := range categories {
		if x.message.MatchString(s.Message) {
			return x.sort
		}
	}
	return "rule"
}

var categories = []struct {
	message *regexp.Regexp
	sort    string
}{
	{regexp.MustCompile("Missing data for|must be specified|non optional inputs/outputs|is required, no param|requires a connection|must not be `?None|kind: None|must be provided|has no ops|has no definition|may not be null|needs a value"), "missing"},
	{regexp.MustCompile("Unknown (field|resource)|Unexpected section|unexpected keyword|is spelled gpu|only a service has"), "unknown"},
	{regexp.MustCompile("Unsupported|[Mm]ust be one of|Must be equal|not a supported value|not supported by your current CLI|hexadecimal|must not be (blank|empty)|instances of 'float'"), "choice"},
	{regexp.MustCompile("does not exist or is not a file|nothing.yml"), "reference"},
	{regexp.MustCompile("Could not parse value|Cannot convert"), "input"},
	{regexp.MustCompile("[Nn]ot a valid|Invalid input type|expects an List|does not match expected|Must be greater|must be a (string|mapping)|expects a list|must be of type|not JSON serializable|unsupported value|JSON cannot hold|64-bit"), "value"},
	{regexp.MustCompile("while (scanning|parsing)|expected a single document|Cannot read config_value"), "syntax"},
	{regexp.MustCompile("rendering the template|parsing the template|recursion"), "template"},
}

// sameCategory reports whether two categories may be the same mistake. What Polyaxon reports
// as no valid choice is a wrong value for slipway, or one of another version.
func sameCategory(theirs, ours subject) bool {
	a, b := theirs.category(), ours.category()
	if a == b {
		return true
	}
	switch a {
	case "choice":
		return b == "value" || b == "unknown" && ours.Kind != "unknown-key"
	case "rule":
		return b != "syntax" && b != "missing"
	case "missing":
		return ours.Kind == "newer-key"
	case "value":
		return ours.Kind == "newer-key" || b == "rule" && strings.HasPrefix(ours.Kind, "flag-")
	case "input":
		return b == "value" || b == "rule"
	}
	return false
}

var (
	digits          = regexp.MustCompile(`^\d+$`)
	segmentPatterns = []*regexp.Regexp{
		regexp.MustCompile("Unexpected section `(\\w+)`"), regexp.MustCompile("Polyaxonfile `(\\w+)` must"), regexp.MustCompile("Polyaxonfile with (kind)"),
		regexp.MustCompile(`Polyaxonfile's (version)`), regexp.MustCompile(`keyword argument '(\w+)'`), regexp.MustCompile("value for `(\\w+)`, must not be"),
	}
	underscore = regexp.MustCompile(`_([a-z])`)
	// around matches what surrounds the content of a message, and the quotes in it.
	around = regexp.MustCompile("[`'\"]|Compilation Error: |Encountered a problem (?:rendering|parsing) the template.*?Error: |Could not apply run context, error: |^\\w+Error: ")
	forX   = regexp.MustCompile("`[^`]*` for `\\w+`|`[^`]*`(, an error)")
)

// keys returns the keys of a path that the file has, without the indexes of lists.
func (s subject) keys(text string) []string {
	path := slices.Clone(s.Path)
	for _, name := range segmentPatterns {
		if found := name.FindStringSubmatch(s.Message); found != nil {
			key := found[1]
			if strings.Contains(s.Message, "keyword argument") && !strings.Contains(text, key+":") {
				key = camel(key)
			}
			path = append(path, key)
		}
	}
	var keys []string
	for i, key := range path {
		missing := s.category() == "missing" && i == len(path)-1 // the text does not have this key
		noise := i > 0 && path[i-1] == key || !strings.Contains(text, key+":")
		if missing || !noise && key != "component" && (key != "runPatch" || len(path) == 1) && !digits.MatchString(key) {
			keys = append(keys, camel(key))
		}
	}
	return keys
}

// camel returns a key in Polyaxon's spelling.
func camel(key string) string {
	return underscore.ReplaceAllStringFunc(key, func(x string) string { return strings.ToUpper(x[1:]) })
}

// sameSubject reports whether two subjects are the same. They must have the same category of
// mistake, and slipway's path must contain each key of Polyaxon's path. It may be up to
// three keys longer.
func sameSubject(theirs, ours subject, text string) bool {
	if len(ours.Path) == 0 && ours.Kind == "" && len(theirs.Path) == 0 {
		say := func(s subject) string {
			return strings.TrimSpace(around.ReplaceAllString(forX.ReplaceAllString(strings.ToLower(s.Message), "$1"), ""))
		}
		a, b := say(theirs), say(ours)
		return strings.Contains(a, b[:min(40, len(b))]) || strings.Contains(b, a[:min(40, len(a))]) || theirs.category() == ours.category() && theirs.category() != "rule"
	}
	if !sameCategory(theirs, ours) {
		return false
	}
	keys, at := theirs.keys(text), 0
	if n := len(keys) - 1; n >= 0 && !slices.Contains(ours.Path, keys[n]) && (theirs.category() == "missing" || len(ours.Path) == 0) && strings.Contains(ours.Message, keys[n]) {
		keys = keys[:n] // slipway's message names it
	}
	for _, key := range keys {
		next := slices.IndexFunc(ours.Path[at:], func(x string) bool { return camel(x) == key })
		if next < 0 {
			return false
		}
		at += next + 1
	}
	return len(keys) == 0 || len(slices.DeleteFunc(slices.Clone(ours.Path[at:]), digits.MatchString)) <= 3
}

// stoppedAtFirst reports whether Polyaxon stopped at the first mistake. In this case it
// names no path.
func stoppedAtFirst(all []subject) bool {
	return slices.ContainsFunc(all, func(s subject) bool { return len(s.Path) == 0 || strings.Contains(s.Message, "unexpected keyword") })
}

// otherSubjects returns where slipway refuses a file for another reason than Polyaxon.
// For a file with several mistakes, they need to agree on only one. For other files,
// slipway's subjects must be among Polyaxon's and, if complete is set, Polyaxon's among
// slipway's.
func otherSubjects(q question, have, want reply, complete bool) string {
	text, theirs, ours := strings.Join(q.Files, "\n"), withoutReferences(want.Subjects), have.Subjects
	met := func(a subject) bool {
		return slices.ContainsFunc(ours, func(b subject) bool { return sameSubject(a, b, text) })
	}
	var lines []string
	random := strings.HasPrefix(q.Name, "random/")
	switch {
	case wholeRun(theirs), random && laterStage(theirs, ours):
		return ""
	}
	if !slices.ContainsFunc(theirs, met) {
		lines = append(lines, "they have nothing in common")
	} else if !random && !stoppedAtFirst(theirs) {
		for _, b := range ours {
			if !slices.ContainsFunc(theirs, func(a subject) bool { return sameSubject(a, b, text) }) {
				lines = append(lines, fmt.Sprintf("only slipway: %+v", b))
			}
		}
		for _, a := range theirs {
			if complete && !met(a) {
				lines = append(lines, fmt.Sprintf("only Polyaxon: %+v", a))
			}
		}
	}
	if lines == nil {
		return ""
	}
	for _, a := range theirs {
		lines = append(lines, fmt.Sprintf("Polyaxon: %+v (%s)", a, a.category()))
	}
	for _, b := range ours {
		lines = append(lines, fmt.Sprintf("slipway: %+v (%s)", b, b.category()))
	}
	return strings.Join(lines, "\n")
}

// wholeRun reports whether Polyaxon refuses a run as a whole. It does so for a mistake in
// a replica, because it reads the run as the shortcut of 2.18.
func wholeRun(theirs []subject) bool {
	return slices.ContainsFunc(theirs, func(s subject) bool {
		return slices.Equal(s.Path, []string{"run", "kind"}) && s.Kind == "extra_forbidden"
	})
}

// laterStage reports whether, of several mistakes, one side reports a value before it has
// checked the keys, and the other reports only the keys.
func laterStage(theirs, ours []subject) bool {
	value := func(s subject) bool {
		return s.category() == "input" || strings.Contains(s.Message, "Could not parse value")
	}
	return slices.ContainsFunc(theirs, value) != slices.ContainsFunc(ours, value)
}

// withoutReferences removes what Polyaxon says about a value as a template, which most
// keys accept as an alternative.
func withoutReferences(all []subject) []subject {
	kept := slices.DeleteFunc(slices.Clone(all), func(s subject) bool {
		return slices.ContainsFunc(s.Path, func(key string) bool { return strings.Contains(key, "_validate(), str]") })
	})
	if len(kept) == 0 {
		return all
	}
	return kept
}
