package lint

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/testenv"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

var update = flag.Bool("update", false, "write the golden files and docs/lints.md")

// fakeCluster is the cluster of the examples.
type fakeCluster map[Kind][]string

func (t fakeCluster) Has(_ context.Context, kind Kind, name string) bool {
	return slices.Contains(t[kind], name)
}

func (t fakeCluster) Names(_ context.Context, kind Kind) []string { return t[kind] }

// HasKey implements Inventory. Every object has the same keys, which may be unknown.
func (t fakeCluster) HasKey(_ context.Context, _ Kind, _, key string) bool {
	return t["key"] == nil || slices.Contains(t["key"], key)
}

func (t fakeCluster) Keys(context.Context, Kind, string) []string { return t["key"] }

// Unusable implements Inventory. The entry "lost" names what cannot be used.
func (t fakeCluster) Unusable(_ context.Context, _ Kind, name string) string {
	if slices.Contains(t["lost"], name) {
		return "has lost its volume"
	}
	return ""
}

var examples = Options{Cluster: fakeCluster{
	Secret: {"mlflow"}, ConfigMap: {"settings"}, VolumeClaim: {"dataset"}, Connection: {"fstore-pvc"}, ServiceAccount: {"trainer"}, PriorityClass: {"batch-low"},
}}

// formatFindings formats findings as the command check prints them.
func formatFindings(findings []Finding) string {
	r := &report.Result{}
	for _, f := range findings {
		p := report.Problem{Position: f.Position, Severity: string(f.Severity), Name: f.Rule, Message: f.Message, Hint: f.Hint, Source: f.Line, Length: f.Length, Fixable: f.Fixable()}
		p.File = filepath.Base(p.File)
		if len(f.Versions) == 1 {
			p.Versions = []string{f.Versions[0].String()}
		}
		r.Problems = append(r.Problems, p)
	}
	var b bytes.Buffer
	_ = printer.Text(&b, r, printer.Page{})
	return b.String()
}

func golden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("%s (-update writes it): %s", path, diff)
	}
}

// TestRules checks each rule with its examples: it must find something in the bad one,
// and no rule may find anything in the good one.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			if r.Summary == "" || r.Help == "" || r.Severity == "" || r.Stage == "" {
				t.Error("the rule is not described")
			}
			dir := filepath.Join("testdata", "lint", r.Name)
			o := examples
			masker := secret.NewMasker()
			o.Secrets = masker
			if r.Name == "deprecated-key" {
				o.Versions = KnownVersions()[1:]
			}
			found := Read(t.Context(), filepath.Join(dir, "bad.yml"), o)
			if r.check != nil && !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == r.Name }) {
				t.Errorf("it does not find its bad example: %s", formatFindings(found))
			}
			golden(t, filepath.Join(dir, "bad.txt"), masker.Mask(formatFindings(found)))
			if found := Read(t.Context(), filepath.Join(dir, "good.yml"), o); len(found) > 0 {
				t.Errorf("the good example is not: %s", formatFindings(found))
			}
		})
	}
	directories, err := os.ReadDir(filepath.Join("testdata", "lint"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range directories {
		if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == d.Name() }) {
			t.Errorf("there is no rule %s", d.Name())
		}
	}
}

// TestShippedPolyaxonfiles checks the Polyaxonfiles that ship with slipway.
func TestShippedPolyaxonfiles(t *testing.T) {
	root := testenv.Root(t)
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "polyaxon", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if found := Read(t.Context(), file, Options{}); len(found) > 0 {
			t.Errorf("%s", formatFindings(found))
		}
	}
	for _, name := range components.Names() {
		text, err := components.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		f, problems := file.Load(name, text)
		if found := Check(t.Context(), f, Options{}); len(found) > 0 || len(problems) > 0 {
			t.Errorf("%s: %v %s", name, problems, formatFindings(found))
		}
	}
}

// TestDocs checks that docs/lints.md agrees with the rules and their examples.
func TestDocs(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Lints

What ` + "`slipway check`" + ` finds, by name. A finding is an **error** when a run would be refused, would fail, or
would not do what is written, and a **warning** when it may be intended. check reports it at once. The column
"otherwise" says when Polyaxon would report it: at submit (the server refuses it), at compile (the run fails after it
was submitted), at run (its pod cannot be created, or does something else), or never.

Ignore a finding with a comment at the end of its line, on a line of its own above it, or, for the whole file, before
the first key:

` + "```yaml" + `
image: busybox  # slipway:ignore mutable-image
` + "```" + `

This page is written from the rules and the examples of their tests.

| name | severity | otherwise | finds |
|---|---|---|---|
`)
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| [%s] | %s | %s | %s |\n", r.Name, r.Severity, stageLabel(r), r.Summary)
	}
	b.WriteByte('\n')
	for _, r := range Rules() {
		fmt.Fprintf(&b, "[%s]: #%s\n", r.Name, r.Name)
	}
	for _, r := range Rules() {
		what := fmt.Sprintf("%s (%s%s).", r.Summary, r.Severity, versionLabel(r))
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s\n", r.Name, markdown.Wrap(what, markdown.Columns), markdown.Wrap(r.Help, markdown.Columns))
		for _, kind := range []string{"bad", "good"} {
			text, err := os.ReadFile(filepath.Join("testdata", "lint", r.Name, kind+".yml"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "\n%s:\n\n```yaml\n%s```\n", strings.ToUpper(kind[:1])+kind[1:], text)
		}
	}
	golden(t, filepath.Join(testenv.Root(t), "docs", "lints.md"), b.String())
}

func stageLabel(r Rule) string {
	if r.Stage == file.StageAdvice {
		return "never"
	}
	return string(r.Stage)
}

func versionLabel(r Rule) string {
	old, recent := KnownVersions()[0], KnownVersions()[1]
	switch {
	case r.versions == nil || r.versions(old) && r.versions(recent):
		return ""
	case r.versions(old):
		return ", on Polyaxon 1.11"
	}
	return ", on Polyaxon 2.x"
}

// TestSchemaProblemsAreRules checks that each name of a problem of reading or validating is a
// rule.
func TestSchemaProblemsAreRules(t *testing.T) {
	names := regexp.MustCompile(`(?:v\.fail\(|Severity(?:Error|Warning), |b\.fail\([^"]*|Name: +)"([a-z]+(?:-[a-z0-9]+)+)"`)
	var files []string
	for _, dir := range []string{"check", "file"} {
		found, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range names.FindAllSubmatch(text, -1) {
			seen++
			if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == string(m[1]) }) {
				t.Errorf("%s tells of %s, which is no rule", file, m[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d names were found", seen)
	}
}
