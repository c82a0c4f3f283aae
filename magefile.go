//go:build mage

// Takes a commit to a finished run: builds and pushes images, syncs secrets,
// checks Polyaxonfiles, submits jobs to Polyaxon, follows them, and exits with
// what really happened. Options that all targets share are environment
// variables: SLIPWAY_DIR, SLIPWAY_ENV, SLIPWAY_FILE, SLIPWAY_OUTPUT, SLIPWAY_QUIET,
// SLIPWAY_VERBOSE and SLIPWAY_NO_ATTESTATIONS.
package main

import (
	"context"
	"os"
	"time"

	"github.com/slipway-ci/slipway/internal/devtools"

	//mage:import
	_ "github.com/slipway-ci/slipway/tasks/mage"
)

// Test sets up what the tests need and runs them all (or -run=REGEXP). With CI=true, or -race, the race detector is on.
func Test(ctx context.Context, run *string, race *bool) error {
	return devtools.Test(ctx, devtools.Options{Run: value(run), Race: value(race), Log: os.Stderr})
}

// Fuzz runs every fuzz target for 10 minutes, or -time=1h.
func Fuzz(ctx context.Context, time *time.Duration) error {
	return devtools.Fuzz(ctx, devtools.Options{Log: os.Stderr}, value(time))
}

// Lint checks formatting, go vet, staticcheck and the workflows.
func Lint(ctx context.Context) error { return devtools.Lint(ctx, devtools.Options{Log: os.Stderr}) }

// Cross checks that all packages and tests compile for linux, darwin and windows on amd64 and arm64.
func Cross(ctx context.Context) error { return devtools.Cross(ctx, devtools.Options{Log: os.Stderr}) }

// Bench compares slipway with other tools and prints the ratios (all, or `bench deploy`, `bench image`).
func Bench(ctx context.Context, run *string) error {
	return devtools.Bench(ctx, devtools.Options{Run: value(run), Log: os.Stderr})
}

// Release makes the release of the tag of HEAD in dist, or of a commit with -snapshot. -publish publishes it.
// -platform=linux/amd64 makes it for one platform, and -image=ghcr.io/slipway-ci builds and pushes the image.
func Release(ctx context.Context, snapshot *bool, platform *string, publish *bool, image *string) error {
	return devtools.MakeRelease(ctx, devtools.Options{Log: os.Stderr},
		devtools.Release{Snapshot: value(snapshot), Platform: value(platform), Publish: value(publish), Registry: value(image)})
}

// Digests compiles HEAD as the release of a version, such as v1.2.3, and writes the digests into action/digests.txt.
// docs/releases.md describes a release. It takes some minutes for each platform the first time.
func Digests(ctx context.Context, version string) error {
	return devtools.WriteDigests(ctx, devtools.Options{Log: os.Stderr}, version)
}

// value returns *p, or the zero value if p is nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
