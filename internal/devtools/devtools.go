// Package devtools tests, lints and builds slipway itself. It has the development targets
// of the magefile.
package devtools

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Options configures a target.
type Options struct {
	// Run, if not empty, is a regular expression that selects tests or benchmarks.
	Run string
	// Race runs the tests with the race detector. If CI is true they always are.
	Race bool
	// Log receives the commands that are run and their standard error.
	Log io.Writer
}

// cacheDir holds what the tests need and can be made again. It is relative to the root of
// the repository.
const cacheDir = ".cache"

// Test sets up the real components that tests use, and runs all tests. If CI is true it
// uses the race detector where it can find something, runs large parts of the matrices,
// and then fuzzes. Otherwise the fuzz targets only try the known inputs.
func Test(ctx context.Context, o Options) error {
	if err := setUp(ctx, o); err != nil {
		return err
	}
	args := []string{"test", "-timeout=40m"}
	ci := os.Getenv("CI") == "true"
	if !ci {
		// More packages and tests than processors, as most tests wait for servers or processes.
		n := strconv.Itoa(2 * runtime.GOMAXPROCS(0))
		args = append(args, "-p="+n, "-parallel="+n)
	}
	if o.Run != "" {
		args = append(args, "-run="+o.Run)
	}
	if !ci && !o.Race {
		return run(ctx, o, nil, "go", append(args, "./...")...)
	}
	if err := testForRaces(ctx, o, args); err != nil || o.Run != "" || !ci {
		return err
	}
	return fuzzInTest(ctx, o)
}

// rounds is how often a benchmark runs each of the variants that it compares.
const rounds = 5

// Bench runs all benchmarks, or those that o.Run names (deploy, image). Each compares
// several ways to do the same thing and prints their ratios.
func Bench(ctx context.Context, o Options) error {
	pattern := "."
	if o.Run != "" {
		pattern = "(?i)" + o.Run
	}
	return run(ctx, o, nil, "go", "test", "-run=^$", "-bench="+pattern, fmt.Sprintf("-benchtime=%dx", rounds), "-timeout=60m", "./...")
}

// Lint runs gofmt, go vet, golangci-lint (with staticcheck), and actionlint on the
// workflows.
func Lint(ctx context.Context, o Options) error {
	unformatted, err := output(ctx, "gofmt", "-l", ".")
	if err != nil {
		return err
	}
	if unformatted != "" {
		return fmt.Errorf("gofmt would change:\n%s", unformatted)
	}
	if err := run(ctx, o, nil, "go", "vet", "./..."); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "go", "vet", "-tags=mage", "magefile.go"); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "go", "tool", "-modfile=tools.mod", "golangci-lint", "run", "./..."); err != nil {
		return err
	}
	workflows, err := filepath.Glob("workflows/*.yml")
	if err != nil {
		return err
	}
	workflows = slices.DeleteFunc(workflows, func(name string) bool { return filepath.Base(name) == "gitlab-ci.yml" }) // it is not GitHub's
	for _, others := range []string{".github/workflows/*.yml", "examples/*/.github/workflows/*.yml"} {
		more, err := filepath.Glob(others)
		if err != nil {
			return err
		}
		workflows = append(workflows, more...)
	}
	return run(ctx, o, nil, "go", append([]string{"tool", "-modfile=actions.mod", "actionlint"}, workflows...)...)
}

func run(ctx context.Context, o Options, env []string, name string, args ...string) error {
	_, _ = fmt.Fprintf(o.Log, "$ %s\n", strings.Join(append(append([]string{}, env...), append([]string{name}, args...)...), " "))
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr = os.Stdout, o.Log
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	text, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(text), nil
}
