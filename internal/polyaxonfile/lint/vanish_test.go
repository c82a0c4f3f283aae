package lint

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestByVersion checks findings that differ between versions: what each rule finds in
// each version, or "" for nothing.
func TestByVersion(t *testing.T) {
	const (
		operation  = "version: 1.1\nkind: operation\n"
		run        = "component:\n  inputs: [{name: n, type: int, value: 0, isOptional: true}, {name: flag, type: bool, isFlag: true, value: false, isOptional: true}, {name: later, type: int}]\n  run:\n    kind: job\n    container: {image: a:1, command: [b], args: [ARGS]}\n"
		undeclared = operation + "params: {lr: {value: 0.1}}\ncomponent:\n  run: {kind: job, container: {image: a:1, command: [b, \"--lr={{ lr }}\"]}}\n"
	)
	args := func(args string) string {
		return operation + "params: {later: {value: 1}}\n" + strings.Replace(run, "ARGS", args, 1)
	}
	for name, c := range map[string]struct{ text, rule, first, latest string }{
		"a zero":                {args("--n, 0"), "vanishing-argument", "leaves the argument 0 out", ""},
		"a zero in quotes":      {args(`--n, "0"`), "vanishing-argument", "leaves the argument 0 out", ""},
		"a float":               {args("0.0"), "vanishing-argument", "leaves the argument 0.0 out", ""},
		"false":                 {args("false"), "vanishing-argument", "leaves the argument False out", ""},
		"an empty text":         {args(`""`), "vanishing-argument", `leaves the argument "" out`, ""},
		"an input of zero":      {args(`--n, "{{ n }}"`), "vanishing-argument", "leaves the argument 0 out", ""},
		"one argument":          {args(`"--n={{ n }}"`), "vanishing-argument", "", ""},
		"a flag that is off":    {args(`"{{ params.flag.as_arg }}"`), "vanishing-argument", "", ""},
		"a value to come":       {strings.Replace(args(`"{{ later }}"`), "params: {later: {value: 1}}\n", "", 1), "vanishing-argument", "", ""},
		"undeclared":            {undeclared, "unknown-param", "the input lr is not declared, but params sets it", ""},
		"undeclared, unused":    {strings.Replace(undeclared, "{{ lr }}", "1", 1), "unknown-param", "the input lr is not declared, but params sets it", "the input lr is not declared, but params sets it"},
		"undeclared, strict":    {strings.Replace(undeclared, "params:", "strictParams: true\nparams:", 1), "unknown-param", "the input lr is not declared, but params sets it", "the input lr is not declared, but params sets it"},
		"undeclared, as matrix": {undeclared + "matrix: {kind: mapping, values: [{x: 1}]}\n", "unknown-param", "the input lr is not declared, but params sets it", ""},
		"a build":               {"version: 1.1\nkind: component\nbuild: {hubRef: kaniko}\nrun: {kind: job, container: {image: a:1, command: [b]}}\n", "build-section", "does not build", "does not build"},
		"a build of a dag's":    {"version: 1.1\nkind: component\nrun:\n  kind: dag\n  operations:\n  - name: a\n    build: {hubRef: kaniko}\n    component: {run: {kind: job, container: {image: a:1, command: [b]}}}\n", "build-section", "does not build", "does not build"},
		"a date":                {operation + "params: {e: {value: 2021-01-02}}\ncomponent: {inputs: [{name: e, type: str}], run: {kind: job, container: {image: a:1, command: [b, \"{{ e }}\"]}}}\n", "unquoted-date", "YAML reads 2021-01-02 as a date", ""},
		"optional":              {"version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1, command: [b], env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]}}\n", "optional-as-text", "makes the text", "makes the text"},
	} {
		known := KnownVersions()
		for version, want := range map[schema.Version]string{known[0]: c.first, known[len(known)-1]: c.latest} {
			f, problems := file.Load("f.yml", []byte(c.text))
			var have []string
			for _, x := range finish(t.Context(), f, problems, Options{Versions: []schema.Version{version}}) {
				if x.Rule == c.rule {
					have = append(have, x.Message)
				}
			}
			if all := strings.Join(have, "\n"); (want == "") != (all == "") || !strings.Contains(all, want) {
				t.Errorf("%s on %s: %q, want %q", name, version, all, want)
			}
		}
	}
}
