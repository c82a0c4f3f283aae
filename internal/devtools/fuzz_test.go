package devtools

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

func TestFuzzGivesPolyaxonfilesMore(t *testing.T) {
	polyaxonfiles := fuzzPackage{path: "github.com/slipway-ci/slipway/internal/polyaxonfile/template"}.share()
	others := fuzzPackage{path: "github.com/slipway-ci/slipway/internal/wheel"}.share()
	if polyaxonfiles != fuzzPolyaxonfile || others != fuzzOther || others >= polyaxonfiles {
		t.Errorf("they get %s and %s", polyaxonfiles, others)
	}
}

func TestFuzzPackagesAreFound(t *testing.T) {
	t.Chdir(testenv.Root(t))
	module, packages, err := fuzzPackages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if module != "github.com/slipway-ci/slipway" {
		t.Errorf("the module is %s", module)
	}
	found := func(name string) bool {
		return slices.ContainsFunc(packages, func(p fuzzPackage) bool { return p.path == module+"/internal/"+name })
	}
	for _, want := range []string{"polyaxonfile/file", "polyaxonfile/template", "config"} {
		if !found(want) {
			t.Errorf("%s is not among %v", want, packages)
		}
	}
	if found("devtools") {
		t.Error("a package without fuzz functions is among them")
	}
}

func TestFuzzReportsFailures(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"go.mod": "module example.com/fuzzed\n\ngo 1.26\n",
		// "func" is spelt otherwise, so that fuzzPackages does not find these functions here.
		"x_test.go": strings.ReplaceAll(`package fuzzed

import "testing"

function FuzzGood(f *testing.F) { f.Fuzz(func(*testing.T, string) {}) }

function FuzzBad(f *testing.F) { f.Fuzz(func(t *testing.T, s string) { t.Error("it never holds") }) }
`, "function", "func"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	err := Fuzz(t.Context(), Options{Log: &log}, time.Second)
	if err == nil || !strings.Contains(err.Error(), "FuzzBad") || !strings.Contains(err.Error(), "it never holds") || strings.Contains(err.Error(), "FuzzGood of") {
		t.Errorf("have %v", err)
	}
	if strings.Contains(err.Error(), "coverage") { // the warning of a program that was not compiled for fuzzing
		t.Errorf("coverage does not guide it: %v", err)
	}
	if !strings.Contains(log.String(), "FuzzGood: found nothing") || !strings.Contains(log.String(), "FuzzBad: failed") {
		t.Errorf("it says %s", log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fuzzInTest(ctx, Options{Log: &log}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it gives %v", err)
	}
}

// The first text is what Go 1.26 printed when the time of a target was up.
func TestTimeOfTargetIsUp(t *testing.T) {
	const began = "fuzz: elapsed: 5s, execs: 47410 (8606/sec), new interesting: 22 (total: 151)\n"
	const end = "FAIL\nexit status 1\nFAIL\texample.com/fuzzed\t5.102s\n"
	for said, want := range map[string]bool{
		began + "--- FAIL: FuzzLine (5.10s)\n    context deadline exceeded\n" + end:                                                                                                               true,
		began + "--- FAIL: FuzzLine (5.10s)\n    --- FAIL: FuzzLine (0.00s)\n        x_test.go:3: context deadline exceeded\n    \n    Failing input written to testdata/fuzz/FuzzLine/5\n" + end: false,
		began + "--- FAIL: FuzzLine (5.10s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzLine/5\n" + end:                                                        false,
		began + "--- FAIL: FuzzLine (5.10s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\n" + end:                                                                          false,
		"x_test.go:3: undefined: x\n" + end: false,
		"":                                  false,
	} {
		if have := timeWasUp([]byte(said)); have != want {
			t.Errorf("it reports %v for %q", have, said)
		}
	}
}
