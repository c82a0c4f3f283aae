package checker

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// Versions returns the releases of Polyaxon to check for, and whether they are a guess.
// They are those of wanted, a comma-separated list, or else that of the server of p, or
// else all known releases, as a guess. p may be nil. An invalid wanted is an
// *exit.UsageError.
func Versions(ctx context.Context, p *project.Project, wanted string) (versions []schema.Version, guessed bool, err error) {
	if versions, err = parse(wanted); err != nil || len(versions) > 0 {
		return versions, false, err
	}
	if p != nil && (!p.Config.Sandboxed() || p.Config.Sandbox != nil) {
		return serverVersions(ctx, p)
	}
	return lint.KnownVersions(), true, nil
}

// serverVersions returns the releases that p's command line names, or else the release of the
// server that runs go to. If p reads no secrets or the server does not answer, it returns all
// known releases, as a guess. If ctx is cancelled, the error is an
// *exit.InterruptedError.
func serverVersions(ctx context.Context, p *project.Project) (versions []schema.Version, guessed bool, err error) {
	if versions, err = parse(p.PolyaxonVersion); err != nil || len(versions) > 0 {
		return versions, false, err
	}
	switch {
	case p.Config.Sandboxed():
		return []schema.Version{p.SandboxVersion()}, false, nil
	case !p.ReadsSecrets():
		return lint.KnownVersions(), true, nil
	}
	v, err := platform.ServerVersion(ctx, p)
	switch {
	case err == nil:
		return []schema.Version{v}, false, nil
	case ctx.Err() != nil:
		return nil, false, &exit.InterruptedError{}
	}
	if cause := cluster.Cause(err); p.FirstTime(cause) {
		p.Note(fmt.Sprintf("Polyaxon does not report its version (%s): checking for every known version", cause))
	}
	return lint.KnownVersions(), true, nil
}

// parse parses a comma-separated list of releases of Polyaxon. It returns none for an
// empty text, and an error for a release that no server may be.
func parse(text string) (versions []schema.Version, err error) {
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		v, err := schema.ParseVersion(one)
		if err != nil {
			return nil, exit.Usagef("--polyaxon-version: %v", err)
		}
		if oldest := lint.KnownVersions()[0]; v.Before(oldest) {
			return nil, exit.Usagef("--polyaxon-version: Polyaxon %s is not supported: slipway needs %s or newer", v, oldest)
		}
		versions = append(versions, v)
	}
	return versions, nil
}
