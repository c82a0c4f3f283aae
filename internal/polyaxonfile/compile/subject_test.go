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
	// Path is the keys that lead there. Polyaxon's has what it parses with among them:
	// the kind of a run, the types of a union.
	Path []string
	// Kind is a name of slipway's problems, or a type of pydantic's errors; "" where only
	// the message tells.
	Kind, Message string
}

// refusedError is what is wrong with a file, before it is compiled.
type refusedError struct{ problems []file.Problem }

// Error gives all of it.
func (e *refusedError) Error() string { return fmt.Sprint(file.Errors(e.problems)) }

// subjectsOf gives what an error of slipway is about.
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

// validation finds what slipway says in pydantic's form.
var validation = regexp.MustCompile(`(?m)^([\w. -]+)\n {2}(.*?)(?: \[type=(\w+)\])?$`)

// sort is the sort of mistake that a subject is.
func (s subject) sort() string {
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
	for _, x := range sorts {
		if x.message.MatchString(s.Message) {
			return x.sort
		}
	}
	return "rule"
}

var sorts = []struct {
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

// sameSort tells whether two sorts may be the same mistake: what Polyaxon calls no
// choice is wrong to slipway, or of another version.
func sameSort(theirs, ours subject) bool {
	a, b := theirs.sort(), ours.sort()
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
	digits = regexp.MustCompile(`^\d+$`)
	naming = []*regexp.Regexp{
		regexp.MustCompile("Unexpected section `(\\w+)`"), regexp.MustCompile("Polyaxonfile `(\\w+)` must"), regexp.MustCompile("Polyaxonfile with (kind)"),
		regexp.MustCompile(`Polyaxonfile's (version)`), regexp.MustCompile(`keyword argument '(\w+)'`), regexp.MustCompile("value for `(\\w+)`, must not be"),
	}
	underscore = regexp.MustCompile(`_([a-z])`)
	// around is what stands around what a message says, and the quotes in it.
	around = regexp.MustCompile("[`'\"]|Compilation Error: |Encountered a problem (?:rendering|parsing) the template.*?Error: |Could not apply run context, error: |^\\w+Error: ")
	forX   = regexp.MustCompile("`[^`]*` for `\\w+`|`[^`]*`(, an error)")
)

// keys gives the keys of a path that a file has, without the places in lists.
func (s subject) keys(text string) []string {
	path := slices.Clone(s.Path)
	for _, name := range naming {
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
		missing := s.sort() == "missing" && i == len(path)-1 // the text has it not
		noise := i > 0 && path[i-1] == key || !strings.Contains(text, key+":")
		if missing || !noise && key != "component" && (key != "runPatch" || len(path) == 1) && !digits.MatchString(key) {
			keys = append(keys, camel(key))
		}
	}
	return keys
}

// camel gives a key as Polyaxon spells it.
func camel(key string) string {
	return underscore.ReplaceAllStringFunc(key, func(x string) string { return strings.ToUpper(x[1:]) })
}

// about tells whether two subjects are the same thing: the same sort of mistake, and
// each key that Polyaxon names on the way to slipway's place, which may be up to three
// keys further down.
func about(theirs, ours subject, text string) bool {
	if len(ours.Path) == 0 && ours.Kind == "" && len(theirs.Path) == 0 {
		say := func(s subject) string {
			return strings.TrimSpace(around.ReplaceAllString(forX.ReplaceAllString(strings.ToLower(s.Message), "$1"), ""))
		}
		a, b := say(theirs), say(ours)
		return strings.Contains(a, b[:min(40, len(b))]) || strings.Contains(b, a[:min(40, len(a))]) || theirs.sort() == ours.sort() && theirs.sort() != "rule"
	}
	if !sameSort(theirs, ours) {
		return false
	}
	keys, at := theirs.keys(text), 0
	if n := len(keys) - 1; n >= 0 && !slices.Contains(ours.Path, keys[n]) && (theirs.sort() == "missing" || len(ours.Path) == 0) && strings.Contains(ours.Message, keys[n]) {
		keys = keys[:n] // slipway's words name it
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

// early tells whether Polyaxon stopped at the first mistake: it names no path.
func early(all []subject) bool {
	return slices.ContainsFunc(all, func(s subject) bool { return len(s.Path) == 0 || strings.Contains(s.Message, "unexpected keyword") })
}

// otherSubjects tells where slipway refuses a file for something else than Polyaxon.
// Of a file with several mistakes it is enough that they agree on one; of another,
// slipway's are among Polyaxon's and, with complete, Polyaxon's among slipway's.
func otherSubjects(q question, have, want reply, complete bool) string {
	text, theirs, ours := strings.Join(q.Files, "\n"), withoutReferences(want.Subjects), have.Subjects
	met := func(a subject) bool {
		return slices.ContainsFunc(ours, func(b subject) bool { return about(a, b, text) })
	}
	var lines []string
	random := strings.HasPrefix(q.Name, "random/")
	switch {
	case wholeRun(theirs), random && laterStage(theirs, ours):
		return ""
	}
	if !slices.ContainsFunc(theirs, met) {
		lines = append(lines, "they have nothing in common")
	} else if !random && !early(theirs) {
		for _, b := range ours {
			if !slices.ContainsFunc(theirs, func(a subject) bool { return about(a, b, text) }) {
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
		lines = append(lines, fmt.Sprintf("Polyaxon: %+v (%s)", a, a.sort()))
	}
	for _, b := range ours {
		lines = append(lines, fmt.Sprintf("slipway: %+v (%s)", b, b.sort()))
	}
	return strings.Join(lines, "\n")
}

// wholeRun tells whether Polyaxon refuses a run as a whole: so it does where something
// is wrong in a replica, since it takes the run for the shortcut of 2.18.
func wholeRun(theirs []subject) bool {
	return slices.ContainsFunc(theirs, func(s subject) bool {
		return slices.Equal(s.Path, []string{"run", "kind"}) && s.Kind == "extra_forbidden"
	})
}

// laterStage tells whether, of several mistakes, one side tells of a value before it has
// looked at the keys, and the other of the keys alone.
func laterStage(theirs, ours []subject) bool {
	value := func(s subject) bool {
		return s.sort() == "input" || strings.Contains(s.Message, "Could not parse value")
	}
	return slices.ContainsFunc(theirs, value) != slices.ContainsFunc(ours, value)
}

// withoutReferences leaves out what is said of a value as a template, which is another
// choice at most places.
func withoutReferences(all []subject) []subject {
	kept := slices.DeleteFunc(slices.Clone(all), func(s subject) bool {
		return slices.ContainsFunc(s.Path, func(key string) bool { return strings.Contains(key, "_validate(), str]") })
	})
	if len(kept) == 0 {
		return all
	}
	return kept
}
