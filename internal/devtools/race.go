package devtools

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
)

// The race detector makes a program three to seven times as slow, so that it is used where it
// can find something.
const (
	// withoutRace is a part of the module whose packages start no goroutines, and have large
	// matrices.
	withoutRace = "internal/polyaxonfile/"
	// wholeProgram is the package whose tests run the whole program, thousands of times. All run
	// without the race detector, and racedTests with it.
	wholeProgram = "./cmd/slipway"
	// waiting is the package whose tests wait longest for real servers. The go command starts packages in the
	// order of its arguments, so that others compute meanwhile when it is the first.
	waiting = "/tasks"
)

// racedTests selects the tests of wholeProgram in which much happens at the same time: jobs side
// by side, transfers, services, forwarded ports, several deploys, and interrupts.
const racedTests = `^(TestRaces|TestMatrixIsFollowed|TestDagIsFollowed|TestInterruptedAtEveryRequest|TestStopIsReported|TestCtrlC)$` +
	`|^TestStories$/^(again|artifacts|dashboard|data|datastep|deploy|images|kubectl|manifests|mlflow|sandbox|secrets|services|signals)$`

// testForRaces runs all tests, and uses the race detector where it can find something. args
// are the arguments of go that do not depend on that.
func testForRaces(ctx context.Context, o Options, args []string) error {
	single, concurrent, err := splitByRace(ctx)
	if err != nil {
		return err
	}
	var env []string
	if _, set := os.LookupEnv("GORACE"); !set {
		env = []string{"GORACE=atexit_sleep_ms=20"} // by default a program waits a second at its end for late reports of races
	}
	raced := slices.Concat(args, []string{"-race"})
	if o.Run != "" { // the tests that the user selected
		return errors.Join(
			run(ctx, o, nil, "go", slices.Concat(args, single)...),
			run(ctx, o, env, "go", slices.Concat(raced, concurrent, []string{wholeProgram})...))
	}
	return errors.Join(
		run(ctx, o, nil, "go", slices.Concat(args, single, []string{wholeProgram})...),
		run(ctx, o, env, "go", slices.Concat(raced, concurrent)...),
		run(ctx, o, env, "go", slices.Concat(raced, []string{"-run=" + racedTests, wholeProgram})...))
}

// splitByRace returns the packages that start no goroutines, and the others, without
// wholeProgram and with waiting as the first.
func splitByRace(ctx context.Context) (single, concurrent []string, err error) {
	listed, err := output(ctx, "go", "list", "./...")
	if err != nil {
		return nil, nil, err
	}
	for _, pkg := range strings.Fields(listed) {
		switch {
		case strings.Contains(pkg+"/", "/"+withoutRace):
			single = append(single, pkg)
		case strings.HasSuffix(pkg, waiting):
			concurrent = slices.Insert(concurrent, 0, pkg)
		case !strings.HasSuffix(pkg, strings.TrimPrefix(wholeProgram, ".")):
			concurrent = append(concurrent, pkg)
		}
	}
	return single, concurrent, nil
}
