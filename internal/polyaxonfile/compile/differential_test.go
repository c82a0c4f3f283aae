package compile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// reply is the result of a question.
type reply struct {
	Valid bool
	Error string
	// Subjects are what Error is about.
	Subjects           []subject
	Compiled, Resolved any
	// Pods are the pods that the converter creates, if it creates any.
	Pods map[string]any
}

const runID = "00000000000000000000000000000001"

func testContext() Context {
	return Context{
		Owner: "default", Project: "p", ProjectUUID: "p", UUID: runID, Namespace: "polyaxon", Created: time.Date(2026, 11, 23, 12, 30, 15, 0, time.UTC),
		Store: Connection{Name: "store", Kind: "host_path", Schema: map[string]any{"hostPath": "/s", "mountPath": "/s"}},
		Connections: map[string]Connection{
			"fstore-pvc": {Name: "fstore-pvc", Kind: "volume_claim", Schema: map[string]any{"volumeClaim": "fstore-pvc", "mountPath": "/polyaxon-v1-data"}},
			"repo":       {Name: "repo", Kind: "git", Schema: map[string]any{"url": "https://git/x"}},
		},
	}
}

// agentCatalog returns the connections of testContext in the form in which Polyaxon's agent
// reads it.
func agentCatalog() map[string]any {
	x := testContext()
	connection := func(c Connection) map[string]any {
		return map[string]any{"name": c.Name, "kind": c.Kind, "schema": c.Schema}
	}
	return map[string]any{
		"namespace": x.Namespace, "artifactsStore": connection(x.Store),
		"connections": []any{connection(x.Connections["fstore-pvc"]), connection(x.Connections["repo"])},
	}
}

// compileQuestion composes, compiles and resolves a question with slipway.
func compileQuestion(q question, version schema.Version) reply {
	refused := func(err error) reply { return reply{Error: err.Error(), Subjects: subjectsOf(err)} }
	content, err := submitted(q, version)
	if err != nil {
		return refused(err)
	}
	compiled, err := Operation(content, version)
	if err != nil {
		return refused(err)
	}
	r := reply{Valid: true, Compiled: parsed(compiled)}
	if compiled.Schedule() == "" || compiled.Kind == "dag" && compiled.root["schedule"] == nil && compiled.root["matrix"] == nil {
		x := testContext()
		if x.Name = compiled.Name; x.Name == "" {
			x.Name = "n"
		}
		resolved, err := compiled.Resolve(x)
		if err != nil {
			return refused(err)
		}
		r.Resolved = parsed(resolved)
		if err := json.Unmarshal([]byte(python.JSON(plainTemplates(resolved.PodTemplates()))), &r.Pods); err != nil {
			return refused(err)
		}
	} else if _, err := compiled.specs(nil); err != nil {
		return refused(err)
	}
	return r
}

func parsed(c *Compiled) any {
	var value any
	if err := json.Unmarshal(c.JSON(), &value); err != nil {
		return err.Error()
	}
	return value
}

// submitted returns what is sent to a server: the file with its params and presets.
func submitted(q question, version schema.Version) ([]byte, error) {
	s, err := compose.New(version)
	if err != nil {
		return nil, err
	}
	var root map[string]any
	for i, text := range q.Files {
		f, problems := file.Load(fmt.Sprintf("%d.yml", i), []byte(text))
		if f.Root() == nil {
			return nil, &refusedError{problems}
		}
		if i == 0 {
			if problems = append(problems, check.Validate(f, version)...); invalid(problems) != nil {
				return nil, &refusedError{problems}
			}
			if root, err = s.Object(s.File(f.Root()), f.Root()); err != nil {
				return nil, err
			}
			root = withParams(root, q)
			continue
		}
		f.Root()["isPreset"] = true
		if f.Root()["kind"] == nil {
			f.Root()["kind"] = "operation"
		}
		if problems = append(problems, check.Validate(f, version)...); invalid(problems) != nil {
			return nil, &refusedError{problems}
		}
		over, err := s.Object(s.Tables.Object("operation"), f.Root())
		if err != nil {
			return nil, err
		}
		if err := s.Preset(root, over); err != nil {
			return nil, err
		}
	}
	return []byte(python.JSON(root)), nil
}

func withParams(root map[string]any, q question) map[string]any {
	if !file.IsOperation(root) && root["kind"] == "component" {
		root = map[string]any{"kind": "operation", "component": root}
		if q.Version != nil {
			root["version"] = q.Version
		}
	}
	if q.Strict != nil {
		root["strictParams"] = *q.Strict
	}
	for name, value := range q.Params {
		params, _ := root["params"].(map[string]any)
		if params == nil {
			params = map[string]any{}
			root["params"] = params
		}
		param, _ := params[name].(map[string]any)
		if param == nil {
			param = map[string]any{}
			params[name] = param
		}
		param["value"] = value
	}
	return root
}

// readQuestions returns the files of testdata/differential. NAME.yml is a question, and
// NAME.preset*.yml are its presets.
func readQuestions(t *testing.T) []question {
	paths, err := filepath.Glob("testdata/differential/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(paths)
	var all []question
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yml")
		if before, _, isPreset := strings.Cut(name, ".preset"); isPreset && len(all) > 0 && all[len(all)-1].Name == "file/"+before {
			all[len(all)-1].Files = append(all[len(all)-1].Files, string(text))
			continue
		}
		all = append(all, question{Name: "file/" + name, Files: []string{string(text)}})
	}
	return all
}

// TestAgainstPolyaxon compares verdicts, the subjects of refusals, and compiled
// operations with those of Polyaxon 2.18 itself. The permitted differences are in
// differences, with their reasons.
func TestAgainstPolyaxon(t *testing.T) {
	all := readQuestions(t)
	for i, q := range questions() {
		if i%oneIn(6) == 0 {
			all = append(all, q)
		}
	}
	t.Logf("%d files", len(all))
	var answers []reply
	testenv.Oracle(t, "testdata/oracle.py", map[string]any{"agent": agentCatalog(), "cases": all}, &answers)
	if len(all) < 150 {
		t.Errorf("there are %d files only", len(all))
	}
	known := differences()
	used := map[string]bool{}
	for i, q := range all {
		have, want := compileQuestion(q, schema.Newest()), answers[i]
		difference := ""
		switch {
		case have.Valid != want.Valid:
			difference = fmt.Sprintf("have valid %v (%s), want %v (%s)", have.Valid, have.Error, want.Valid, want.Error)
		case have.Valid:
			difference = cmp.Diff(want.Compiled, have.Compiled) + cmp.Diff(want.Resolved, have.Resolved) + comparePods(have.Pods, want.Pods)
		default:
			difference = otherSubjects(q, have, want, false)
		}
		if difference == "" {
			continue
		}
		if reason := reasonFor(known, q.Name); reason != "" {
			used[reason] = true
			continue
		}
		t.Errorf("%s\n%s\n%s", q.Name, strings.Join(q.Files, "---\n"), difference)
	}
	for _, d := range known {
		for _, name := range d.Questions {
			if testenv.Exhaustive() && !used[name] {
				t.Errorf("%s does not differ any more: take it out of the differences", name)
			}
		}
	}
}

// oneIn returns which share of the generated files is compared, as one in so many: all if
// the tests are exhaustive, a third if they are thorough, and otherwise one in some.
func oneIn(some int) int {
	switch {
	case testenv.Exhaustive():
		return 1
	case testenv.Thorough():
		return 3
	default:
		return some
	}
}

func reasonFor(known []difference, question string) string {
	for _, d := range known {
		for _, name := range d.Questions {
			if name == question {
				return name
			}
		}
	}
	return ""
}

func plainTemplates(templates map[string]map[string]any) map[string]any {
	plain := map[string]any{}
	for key, template := range templates {
		plain[key] = template
	}
	return plain
}

// comparePods returns where pods differ. It ignores empty values and generated names. If
// the converter created no pods, there is nothing to compare.
func comparePods(have, want map[string]any) string {
	if len(want) == 0 || want["error"] != nil {
		return ""
	}
	return diffValues("pods", withoutGeneratedNames(have), withoutGeneratedNames(want))
}

var generatedName = regexp.MustCompile(`^[a-z-]+-[0-9a-f]{10}$`)

func withoutGeneratedNames(value any) any {
	switch x := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, element := range x {
			name, isText := element.(string)
			if element = withoutGeneratedNames(element); element != nil && !(key == "name" && isText && generatedName.MatchString(name)) {
				kept[key] = element
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		var kept []any
		for _, element := range x {
			kept = append(kept, withoutGeneratedNames(element))
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return value
}
