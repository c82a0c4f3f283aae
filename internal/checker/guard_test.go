package checker

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestPanicInRule checks that a panic of a rule becomes an error that names the file and
// decides the exit code.
func TestPanicInRule(t *testing.T) {
	broken := Target{path: "jobs/train.yml"}
	_, err := broken.guarded(func() ([]report.Problem, error) {
		var none map[string][]string
		return []report.Problem{{Message: none["x"][1]}}, nil
	})
	var panicked *panics.Error
	if !errors.As(err, &panicked) || !strings.HasPrefix(err.Error(), "jobs/train.yml: this is a bug in slipway") {
		t.Fatalf("the error is %v", err)
	}
	// The exit code is the same if other files have errors of their own.
	if code := exit.Code(errors.Join(err, &exit.ProblemsError{Errors: 1})); code != exit.Step {
		t.Errorf("the exit code is %d", code)
	}
	found, err := broken.guarded(func() ([]report.Problem, error) { return []report.Problem{{Message: "x"}}, nil })
	if err != nil || len(found) != 1 {
		t.Errorf("a check that ends well gives %v, %v", found, err)
	}
}

func TestLooksLikePolyaxonfile(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"component":           {"version: 1.1\nkind: component\n", true},
		"kind alone":          {"kind: operation # of a dag\n", true},
		"misspelt kind":       {"version: 1.1\nkind: componentt\n", true},
		"no kind":             {"version: 1.1\nrun: {kind: job}\n", true},
		"quoted version":      {"version: \"1.1\"\nbuild: {}\n", true},
		"0.x":                 {"version: 1\nkind: experiment\n", true},
		"0.x without a kind":  {"# a comment\nversion: 1\n\nbuild:\n  image: x\n", true},
		"a byte order mark":   {"\xef\xbb\xbfkind: component\n", true},
		"CRLF":                {"version: 1.1\r\nrun:\r\n", true},
		"JSON":                {`{"version": 1.1, "run": {"kind": "job"}}`, true},
		"JSON with a kind":    {`{"kind":"component"}`, true},
		"flow YAML":           {"{version: 1.1, kind: component}", true},
		"Kubernetes":          {"apiVersion: v1\nkind: Service\n", false},
		"Read the Docs":       {"version: 2\nbuild:\n  os: ubuntu\n", false},
		"golangci-lint":       {"version: \"2\"\nrun:\n  timeout: 5m\n", false},
		"Task":                {"version: '3'\nrun: once\n", false},
		"Compose":             {"version: \"3.8\"\nservices: {}\n", false},
		"a package of npm":    {`{"name": "x", "version": "1.1.0", "build": {}}`, false},
		"a chart of Helm":     {"apiVersion: v2\nname: x\nversion: 1.1.0\n", false},
		"deeper keys do not":  {"jobs:\n  version: 1.1\n  kind: component\n", false},
		"the version is text": {"version: 1.1 or so\nrun: x\n", false},
	} {
		if have := file.Recognize([]byte(c.text)); have != c.want {
			t.Errorf("%s: %v", name, have)
		}
	}
}
