package polyaxontest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// inputs adds an input without a value.
func inputs(_, component, _ map[string]any) {
	component["inputs"] = []any{map[string]any{"name": "x", "type": "int"}}
}

// uncompiled submits an operation that does not compile: its input has no value.
func (s *suite) uncompiled(t *testing.T) {
	created := s.create(t, polyaxon.CreateRun{Content: s.operation(inputs, "print=x"), Name: "uncompiled"})
	status, conditions, err := s.Client.Statuses(s.ctx, project, created.UUID)
	must(t, err)
	last := conditions[len(conditions)-1]
	if status != polyaxon.Failed || last.Reason != "SchedulerPrepare" || !strings.HasPrefix(last.Message, "Failed to compile.\nCompilation Error: The Polyaxonfile has non optional inputs") {
		t.Errorf("status %s, reason %s, message %q", status, last.Reason, last.Message)
	}
	if failed := polyaxon.CompileErrorOf(conditions); failed == nil || !strings.HasPrefix(failed.Message, "The Polyaxonfile has non optional inputs") {
		t.Errorf("the run did not compile: %v", failed)
	}
}

// dryRuns tests the compilation of operations that are not run.
func (s *suite) dryRuns(t *testing.T) {
	withInput := func(value any) string {
		return s.operation(func(operation, component, run map[string]any) {
			inputs(operation, component, run)
			operation["params"] = map[string]any{"x": map[string]any{"value": value}}
			run["container"].(map[string]any)["args"] = []any{"print=x is {{ x }}"}
		})
	}
	meta := map[string]any{"dry": "t-d1"}
	content, err := s.Client.DryRun(s.ctx, project, polyaxon.CreateRun{Content: withInput(7), MetaInfo: meta})
	must(t, err)
	var compiled struct {
		Run struct{ Container struct{ Args []string } }
	}
	must(t, json.Unmarshal([]byte(content), &compiled))
	if !slices.Equal(compiled.Run.Container.Args, []string{"print=x is 7"}) {
		t.Errorf("compiled %s", content)
	}
	var failed *polyaxon.CompileError
	if _, err := s.Client.DryRun(s.ctx, project, polyaxon.CreateRun{Content: withInput("seven"), MetaInfo: meta}); !errors.As(err, &failed) || !strings.Contains(err.Error(), "Cannot convert value `seven`") {
		t.Errorf("a value that is not a number: %v", err)
	}
	var refused *polyaxon.Error
	if _, err := s.Client.DryRun(s.ctx, project, polyaxon.CreateRun{Content: "{", MetaInfo: meta}); !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid {
		t.Errorf("no YAML: %v", err)
	}
	if left, _, err := s.Client.Runs(s.ctx, project, polyaxon.Query{Query: "meta_info.dry:t-d1"}); err != nil || len(left) > 0 {
		t.Errorf("dry runs left %d runs, %v", len(left), err)
	}
}

// refused submits operations that the server must reject.
func (s *suite) refused(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		// key is the last element of the problem's path, or empty if there is no problem.
		key string
	}{
		"unknown key":      {s.operation(func(_, _, run map[string]any) { run["foo"] = 1 }, "print=x"), "foo"},
		"unknown deeper":   {s.operation(func(_, _, run map[string]any) { run["environment"] = map[string]any{"bar": 1} }, "print=x"), "bar"},
		"unknown at top":   {s.operation(func(operation, _, _ map[string]any) { operation["baz"] = 1 }, "print=x"), "baz"},
		"unknown for pods": {s.operation(func(_, _, run map[string]any) { run["container"].(map[string]any)["imagee"] = "x" }, "print=x"), "imagee"},
		"no YAML":          {"{", ""},
		"no run":           {`{"version":1.1,"kind":"operation","component":{"kind":"component"}}`, ""},
		"nothing":          {"", ""},
	} {
		_, err := s.Client.CreateRun(s.ctx, project, polyaxon.CreateRun{Content: test.content})
		var refused *polyaxon.Error
		if !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid || len(refused.Messages) == 0 || !polyaxon.Refused(err) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := slices.ContainsFunc(refused.Problems(), func(p polyaxon.Problem) bool { return p.Path[len(p.Path)-1] == test.key })
		if test.key != "" && !found {
			t.Errorf("%s: the position is not returned: %v has %+v", name, err, refused.Problems())
		}
	}
	if _, err := s.Client.CreateRun(s.ctx, project, polyaxon.CreateRun{Content: s.operation(nil), Name: "two words"}); err == nil || !polyaxon.Refused(err) {
		t.Errorf("a run called two words: %v", err)
	}
	if _, err := s.Client.CreateRun(s.ctx, project, polyaxon.CreateRun{Content: s.operation(nil), Pending: "bogus"}); err == nil || !strings.Contains(err.Error(), "not a valid choice") {
		t.Errorf("a run that waits for bogus: %v", err)
	}
	if _, err := s.Client.Run(s.ctx, project, strings.Repeat("0", 32)); !polyaxon.IsNotFound(err) {
		t.Errorf("a run that does not exist: %v", err)
	}
	if _, _, err := s.Client.Statuses(s.ctx, project, strings.Repeat("0", 32)); !polyaxon.IsNotFound(err) {
		t.Errorf("the statuses of a run that does not exist: %v", err)
	}
	if _, err := s.Client.CreateRun(s.ctx, "nowhere", polyaxon.CreateRun{Content: s.operation(nil, "print=x")}); !polyaxon.IsNotFound(err) {
		t.Errorf("a project that does not exist: %v", err)
	}
	// An exception of the server must be a 405 with an empty page, as in Polyaxon.
	created := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=x")})
	err := s.Client.SetStatus(s.ctx, project, created.UUID, polyaxon.Condition{Type: "melting"})
	var exception *polyaxon.Error
	if !errors.As(err, &exception) || exception.Kind != polyaxon.Server || exception.StatusCode != 405 || !polyaxon.Temporary(err) {
		t.Errorf("a status that there is not: %v", err)
	}
}

// pipelines submits a dag, which servers accept or reject.
func (s *suite) pipelines(t *testing.T) {
	content := `{"version":1.1,"kind":"operation","component":{"version":1.1,"kind":"component","run":{"kind":"dag","operations":[` +
		`{"kind":"operation","name":"a","component":{"kind":"component","run":{"kind":"job","container":{"image":"` + s.Image + `","command":["x"]}}}}]}}}`
	created, err := s.Client.CreateRun(s.ctx, project, polyaxon.CreateRun{Content: content})
	if s.Pipelines {
		must(t, err)
		must(t, s.Client.Delete(s.ctx, project, created.UUID))
		return
	}
	var refused *polyaxon.Error
	if !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid || !strings.Contains(err.Error(), "operations of kind: dag") {
		t.Errorf("a dag: %v", err)
	}
}
