package devtools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// fuzzTime is how long Fuzz runs each target by default.
const fuzzTime = 10 * time.Minute

const (
	fuzzParallel = 2
	// When the targets run with the tests, those of Polyaxonfiles get more time, as a
	// Polyaxonfile may come from anywhere. Other input was written by the user.
	fuzzPolyaxonfile = 6 * time.Second
	fuzzOther        = 3 * time.Second
)

// fuzzPackage is a package that has fuzz functions, and the directory of its sources.
type fuzzPackage struct{ path, dir string }

// Fuzz runs every fuzz target of the repository for the given time, or for fuzzTime if
// that is not positive, two packages at a time. A failure does not stop the other targets;
// the error joins all failures. Inputs that failed are kept in testdata/fuzz, and tests try
// them from then on. When ctx is cancelled, Fuzz stops and returns its error, too.
func Fuzz(ctx context.Context, o Options, each time.Duration) error {
	if each <= 0 {
		each = fuzzTime
	}
	return fuzz(ctx, o, func(fuzzPackage) time.Duration { return each })
}

// fuzzInTest runs every target for its share.
func fuzzInTest(ctx context.Context, o Options) error { return fuzz(ctx, o, fuzzPackage.share) }

// share returns how long each target of a package runs with the tests.
func (p fuzzPackage) share() time.Duration {
	if strings.Contains(p.path, "/internal/polyaxonfile") {
		return fuzzPolyaxonfile
	}
	return fuzzOther
}

// fuzz runs each target for as long as share returns.
func fuzz(ctx context.Context, o Options, share func(fuzzPackage) time.Duration) error {
	module, packages, err := fuzzPackages(ctx)
	if err != nil {
		return err
	}
	cache, err := output(ctx, "go", "env", "GOCACHE")
	if err != nil {
		return err
	}
	programs, err := os.MkdirTemp("", "slipway-fuzz-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(programs)
	failures := make([]error, len(packages))
	group := errgroup.Group{}
	group.SetLimit(fuzzParallel)
	for n, p := range packages {
		group.Go(func() error {
			f := fuzzer{
				Options: o, fuzzPackage: p, module: module, each: share(p),
				program: filepath.Join(programs, strconv.Itoa(n)+".test"),
				cache:   filepath.Join(strings.TrimSpace(cache), "fuzz", filepath.FromSlash(p.path)),
			}
			if ctx.Err() == nil {
				failures[n] = f.run(ctx)
			}
			return nil
		})
	}
	_ = group.Wait() // failures has all errors; the group would keep only the first one
	return errors.Join(append(failures, ctx.Err())...)
}

// fuzzer fuzzes the targets of a package.
type fuzzer struct {
	Options
	fuzzPackage
	// module is the path of the module whose packages guide the fuzzing by their coverage.
	module string
	each   time.Duration
	// program is where the tests are compiled to, and cache has the inputs that fuzzing found, where the go
	// command keeps them, too.
	program, cache string
}

// run compiles the tests once, and runs each target. "go test -fuzz" compiles and links for each target, and compiles
// all dependencies for coverage, which takes longer than the fuzzing itself.
func (f fuzzer) run(ctx context.Context) error {
	if err := f.command(ctx, "go", "test", "-c", "-gcflags="+f.module+"/...=-d=libfuzzer", "-o="+f.program, "."); err != nil {
		return fmt.Errorf("compile the fuzz targets of %s: %w", f.path, err)
	}
	listed, err := output(ctx, f.program, "-test.list=^Fuzz")
	if err != nil {
		return err
	}
	var failures []error
	for _, target := range strings.Fields(listed) {
		if ctx.Err() != nil {
			break
		}
		err := f.command(ctx, f.program, "-test.run=^$", "-test.fuzz=^"+target+"$", "-test.fuzztime="+f.each.String(), "-test.fuzzminimizetime=10s",
			"-test.parallel=1", "-test.timeout=0", "-test.fuzzcachedir="+f.cache)
		verdict := "found nothing"
		if failed := new(saidError); err != nil && (!errors.As(err, &failed) || !timeWasUp(failed.said)) {
			verdict = "failed"
			failures = append(failures, fmt.Errorf("%s of %s: %w", target, f.path, err))
		}
		_, _ = fmt.Fprintf(f.Log, "fuzz %s %s: %s in %s\n", f.path, target, verdict, f.each)
	}
	return errors.Join(failures...)
}

// command runs a program in the directory of the package. Its error is a *saidError.
func (f fuzzer) command(ctx context.Context, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = f.dir
	// A test that is interrupted ends its workers; one that is killed leaves them running.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	if said, err := command.CombinedOutput(); err != nil {
		return &saidError{err, said}
	}
	return nil
}

// saidError is the error of a program, with what it printed.
type saidError struct {
	err  error
	said []byte
}

// Error implements error.
func (e *saidError) Error() string { return fmt.Sprintf("%v\n%s", e.err, e.said) }

// Unwrap returns the error of the program.
func (e *saidError) Unwrap() error { return e.err }

// timeWasUp reports whether a fuzz target that failed has found nothing: it says no more
// than that its time is over. Before Go 1.27 this is now and then taken for a failure
// (https://go.dev/issue/75804). An input that fails is always written to a file.
func timeWasUp(said []byte) bool {
	_, failure, failed := bytes.Cut(said, []byte("--- FAIL: "))
	_, reason, _ := bytes.Cut(failure, []byte("\n"))
	return failed && bytes.HasPrefix(reason, []byte("    context deadline exceeded\nFAIL\n")) &&
		!bytes.Contains(said, []byte("Failing input written to"))
}

// fuzzPackages returns the packages whose tests have a fuzz function, and the path of their module.
func fuzzPackages(ctx context.Context) (module string, packages []fuzzPackage, err error) {
	listed, err := output(ctx, "go", "list", "-f", "{{$p := .}}{{range .TestGoFiles}}{{$p.Module.Path}}\t{{$p.ImportPath}}\t{{$p.Dir}}\t{{.}}\n{{end}}"+
		"{{range .XTestGoFiles}}{{$p.Module.Path}}\t{{$p.ImportPath}}\t{{$p.Dir}}\t{{.}}\n{{end}}", "./...")
	if err != nil {
		return "", nil, err
	}
	for _, line := range strings.Split(listed, "\n") {
		parts := strings.Split(line, "\t")
		if len(parts) != 4 {
			continue
		}
		module = parts[0]
		p := fuzzPackage{path: parts[1], dir: parts[2]}
		if slices.Contains(packages, p) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.dir, parts[3]))
		if err != nil {
			return "", nil, err
		}
		if bytes.Contains(text, []byte("\nfunc Fuzz")) {
			packages = append(packages, p)
		}
	}
	return module, packages, nil
}
