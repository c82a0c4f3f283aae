package compile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// withDefault matches an input with a value. The names of variables, which begin with a
// capital letter, do not match.
var withDefault = regexp.MustCompile(`\{name: ([a-z][\w ]*), ((?:(?:type|isList|isFlag): [\w\[\]]+, )*)value:`)

// forVersion1 converts a question to a form that 1.11.3 accepts: it adds the version that
// 1.11.3 requires, and makes inputs with a value optional.
func forVersion1(q question) question {
	files := make([]string, len(q.Files))
	for i, text := range q.Files {
		if i > 0 && !strings.Contains(text, "kind: operation") {
			text = strings.Replace(text, "{", "{kind: operation, ", 1)
		}
		if strings.HasPrefix(text, "{") && !strings.Contains(text, "version:") {
			text = strings.Replace(text, "{", "{version: 1.1, ", 1)
		}
		files[i] = withDefault.ReplaceAllString(strings.Replace(text, ", }", "}", 1), "{name: $1, ${2}isOptional: true, value:")
	}
	q.Files, q.Version, q.Strict = files, 1.1, nil
	if strings.Contains(q.Params["x"], "{{") {
		q.Params = nil // its client renders params before globals exist
	}
	return q
}

// TestAgainstPolyaxon1 is TestAgainstPolyaxon for Polyaxon 1.11.3.
func TestAgainstPolyaxon1(t *testing.T) {
	all := readQuestions(t)
	for i, q := range questions() {
		if i%oneIn(16) == 0 {
			all = append(all, q)
		}
	}
	for i := range all {
		all[i] = forVersion1(all[i])
	}
	var answers []reply
	testenv.Oracle111(t, "testdata/oracle1.py", map[string]any{"agent": agentCatalog(), "cases": all}, &answers)
	known, used := differences1(), map[string]bool{}
	for i, q := range all {
		difference := compare(q, compileQuestion(q, version1), answers[i])
		switch {
		case difference == "":
		case reasonFor(known, q.Name) != "":
			used[q.Name] = true
		default:
			t.Errorf("%s\n%s\n%s", q.Name, strings.Join(q.Files, "---\n"), difference)
		}
	}
	for _, d := range known {
		for _, name := range d.Questions {
			if testenv.Exhaustive() && !used[name] {
				t.Errorf("%s does not differ any more: take it out of the differences", name)
			}
		}
	}
}

func compare(q question, have, want reply) string {
	switch {
	case have.Valid != want.Valid:
		return fmt.Sprintf("have valid %v (%s), want %v (%s)", have.Valid, have.Error, want.Valid, want.Error)
	case have.Valid:
		difference := diffValues("compiled", have.Compiled, want.Compiled)
		if want.Resolved != nil { // the community edition refuses dags
			difference += diffValues("resolved", withoutEmptyInit(have.Resolved), want.Resolved)
		}
		return difference + comparePods(have.Pods, want.Pods)
	}
	return otherSubjects(q, have, want, true)
}

// diffValues returns where two values differ, one line for each difference.
func diffValues(path string, have, want any) string {
	if cmp.Equal(have, want) {
		return ""
	}
	h, isMap := have.(map[string]any)
	w, both := want.(map[string]any)
	if isMap && both {
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(mergedKeys(h, w))) {
			b.WriteString(diffValues(path+"."+key, h[key], w[key]))
		}
		return b.String()
	}
	hl, isList := have.([]any)
	wl, both := want.([]any)
	if isList && both && len(hl) == len(wl) {
		var b strings.Builder
		for i := range hl {
			b.WriteString(diffValues(fmt.Sprintf("%s[%d]", path, i), hl[i], wl[i]))
		}
		return b.String()
	}
	return fmt.Sprintf("%s: have %#v, want %#v\n", path, have, want)
}

func mergedKeys(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// withoutEmptyInit removes the empty list of init containers that 1.11.3 adds where there
// is none.
func withoutEmptyInit(value any) any {
	switch x := value.(type) {
	case map[string]any:
		for key, element := range x {
			if list, ok := element.([]any); key == "init" && ok && len(list) == 0 {
				delete(x, key)
				continue
			}
			withoutEmptyInit(element)
		}
	case []any:
		for _, element := range x {
			withoutEmptyInit(element)
		}
	}
	return value
}
