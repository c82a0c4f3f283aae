package devtools

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// fuzzTarget is a fuzz function of a package.
type fuzzTarget struct{ pkg, name string }

// Fuzz runs every fuzz target of the repository for the given time, or for fuzzTime if
// that is not positive, two at a time. A failure does not stop the other targets; the
// error joins all failures. Inputs that failed are kept in testdata/fuzz, and tests try
// them from then on. When ctx is cancelled, Fuzz stops and returns its error, too.
func Fuzz(ctx context.Context, o Options, each time.Duration) error {
	targets, err := fuzzTargets(ctx)
	if err != nil {
		return err
	}
	if each <= 0 {
		each = fuzzTime
	}
	return fuzz(ctx, o, targets, func(fuzzTarget) time.Duration { return each })
}

// fuzzInTest runs every target for its share.
func fuzzInTest(ctx context.Context, o Options) error {
	targets, err := fuzzTargets(ctx)
	if err != nil || len(targets) == 0 {
		return err
	}
	return fuzz(ctx, o, targets, fuzzTarget.share)
}

// share returns how long a target runs with the tests.
func (t fuzzTarget) share() time.Duration {
	if strings.Contains(t.pkg, "/internal/polyaxonfile") {
		return fuzzPolyaxonfile
	}
	return fuzzOther
}

// fuzz runs each target for as long as share returns.
func fuzz(ctx context.Context, o Options, targets []fuzzTarget, share func(fuzzTarget) time.Duration) error {
	var lock sync.Mutex
	var failures []error
	group := errgroup.Group{}
	group.SetLimit(fuzzParallel)
	for _, target := range targets {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			each := share(target)
			args := []string{"test", "-run=^$", "-fuzz=^" + target.name + "$", "-fuzztime=" + each.String(), "-fuzzminimizetime=10s", "-parallel=1", "-timeout=0", target.pkg}
			command := exec.CommandContext(ctx, "go", args...)
			// The go command passes an interrupt on to the test, but leaves it running when
			// it is killed itself.
			command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
			command.WaitDelay = 10 * time.Second
			var said bytes.Buffer
			command.Stdout, command.Stderr = &said, &said
			err := command.Run()
			lock.Lock()
			defer lock.Unlock()
			verdict := "found nothing"
			if err != nil && !timeWasUp(said.Bytes()) {
				verdict = "failed"
				failures = append(failures, fmt.Errorf("%s of %s: %w\n%s", target.name, target.pkg, err, said.String()))
			}
			_, _ = fmt.Fprintf(o.Log, "fuzz %s %s: %s in %s\n", target.pkg, target.name, verdict, each)
			return nil
		})
	}
	_ = group.Wait() // failures has all errors; the group would keep only the first one
	return errors.Join(append(failures, ctx.Err())...)
}

// timeWasUp reports whether a fuzz target that failed has found nothing: it says no more
// than that its time is over. Before Go 1.27 this is now and then taken for a failure
// (https://go.dev/issue/75804). An input that fails is always written to a file.
func timeWasUp(said []byte) bool {
	_, failure, failed := bytes.Cut(said, []byte("--- FAIL: "))
	_, reason, _ := bytes.Cut(failure, []byte("\n"))
	return failed && bytes.HasPrefix(reason, []byte("    context deadline exceeded\nFAIL\n")) &&
		!bytes.Contains(said, []byte("Failing input written to"))
}

// fuzzTargets returns the fuzz targets of all packages.
func fuzzTargets(ctx context.Context) ([]fuzzTarget, error) {
	packages, err := fuzzPackages(ctx)
	if err != nil || len(packages) == 0 {
		return nil, err
	}
	var targets []fuzzTarget
	for _, pkg := range packages {
		listed, err := output(ctx, "go", "test", "-list=^Fuzz", pkg)
		if err != nil {
			return nil, err
		}
		scanner := bufio.NewScanner(strings.NewReader(listed))
		for scanner.Scan() {
			if name := scanner.Text(); strings.HasPrefix(name, "Fuzz") {
				targets = append(targets, fuzzTarget{pkg, name})
			}
		}
	}
	return targets, nil
}

// fuzzPackages returns the packages whose tests have a fuzz function. Only these have to
// be built to list their targets.
func fuzzPackages(ctx context.Context) ([]string, error) {
	listed, err := output(ctx, "go", "list", "-f", "{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}}\t{{$p.Dir}}\t{{.}}\n{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}}\t{{$p.Dir}}\t{{.}}\n{{end}}", "./...")
	if err != nil {
		return nil, err
	}
	var packages []string
	for _, line := range strings.Split(listed, "\n") {
		parts := strings.Split(line, "\t")
		if len(parts) != 3 || slices.Contains(packages, parts[0]) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(parts[1], parts[2]))
		if err != nil {
			return nil, err
		}
		if bytes.Contains(text, []byte("\nfunc Fuzz")) {
			packages = append(packages, parts[0])
		}
	}
	return packages, nil
}
