package workshop

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

// fuzzTime is how long Fuzz runs each target when nobody says.
const fuzzTime = 10 * time.Minute

const (
	fuzzAtOnce = 2
	// Where fuzz targets are run with the tests, those of Polyaxonfiles, which come
	// from anywhere, get more time than those of what users have checked already.
	fuzzPolyaxonfile = time.Minute
	fuzzOther        = 15 * time.Second
)

// fuzzTarget is a fuzz function of a package.
type fuzzTarget struct{ pkg, name string }

// Fuzz runs every fuzz target of the repository for a time (fuzzTime when it is not
// above 0), two at once, and goes
// through all of them though some fail: its error has every failure. The inputs
// that failed are kept under testdata/fuzz, where every later test tries them.
// Cancelling ctx ends it early.
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

// fuzzInTest runs the targets for as long as each gets beside the tests.
func fuzzInTest(ctx context.Context, o Options) error {
	targets, err := fuzzTargets(ctx)
	if err != nil || len(targets) == 0 {
		return err
	}
	return fuzz(ctx, o, targets, fuzzTarget.share)
}

// share is the time that a target gets beside the tests.
func (t fuzzTarget) share() time.Duration {
	if strings.Contains(t.pkg, "/internal/polyaxonfile") {
		return fuzzPolyaxonfile
	}
	return fuzzOther
}

// fuzz runs each target for as long as share says.
func fuzz(ctx context.Context, o Options, targets []fuzzTarget, share func(fuzzTarget) time.Duration) error {
	var lock sync.Mutex
	var failures []error
	group := errgroup.Group{}
	group.SetLimit(fuzzAtOnce)
	for _, target := range targets {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			each := share(target)
			args := []string{"test", "-run=^$", "-fuzz=^" + target.name + "$", "-fuzztime=" + each.String(), "-fuzzminimizetime=10s", "-parallel=1", "-timeout=0", target.pkg}
			command := exec.CommandContext(ctx, "go", args...)
			// go hands an interruption on to the test, and not its own death.
			command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
			command.WaitDelay = 10 * time.Second
			var said bytes.Buffer
			command.Stdout, command.Stderr = &said, &said
			err := command.Run()
			lock.Lock()
			defer lock.Unlock()
			verdict := "found nothing"
			if err != nil {
				verdict = "failed"
				failures = append(failures, fmt.Errorf("%s of %s: %w\n%s", target.name, target.pkg, err, said.String()))
			}
			_, _ = fmt.Fprintf(o.Log, "fuzz %s %s: %s in %s\n", target.pkg, target.name, verdict, each)
			return nil
		})
	}
	_ = group.Wait() // the failures are kept beside, so that one does not end the others
	return errors.Join(append(failures, ctx.Err())...)
}

// fuzzTargets asks the packages that have fuzz functions for their names.
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

// fuzzPackages gives the packages whose tests have a fuzz function, so that the
// others need not be built once more.
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
