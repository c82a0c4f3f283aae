package devtools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/release"
)

// Release says which parts of a release are made.
type Release struct {
	// Snapshot makes a release of the commit, which needs no tag.
	Snapshot bool
	// Platform, such as linux/amd64, is the only one for which binaries are made. If it is
	// empty, they are made for all platforms.
	Platform string
	// Publish creates the release on GitHub and updates the Homebrew cask. Without it,
	// everything is made and stays in dist.
	Publish bool
	// Registry, if not empty, is where the image is pushed, such as ghcr.io/slipway-ci.
	Registry string
}

// dist is where goreleaser puts the files of a release.
const dist = "dist"

// MakeRelease makes a release of the tag of HEAD in the working directory, as goreleaser.yaml
// and release.yaml say. The tag must be on a commit that has the digests of its programs
// (WriteDigests). If a program has another, nothing is published.
func MakeRelease(ctx context.Context, o Options, r Release) error {
	if r.Publish && (r.Snapshot || r.Platform != "") {
		return errors.New("only a release of a tag for all platforms can be published: leave out -snapshot and -platform")
	}
	is := next // what a snapshot is tested as
	var env []string
	if !r.Snapshot {
		tag, err := headTag(ctx)
		if err != nil {
			return err
		}
		if tag == "" {
			return errors.New("the commit has no tag of a version: a release of it is one with -snapshot")
		}
		if err := checkDigests(ctx, tag); err != nil {
			return err
		}
		if is, err = channel(ctx, tag); err != nil {
			return err
		}
		env = []string{"GORELEASER_CURRENT_TAG=" + tag, "RELEASE_CHANNEL=" + is}
	}
	if err := goreleaser().setUp(ctx, o); err != nil {
		return err
	}
	config := "goreleaser.yaml"
	if r.Platform != "" {
		var err error
		if config, err = cutToPlatform(config, r.Platform); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(filepath.Dir(config)) }()
	}
	args := []string{"release", "--clean", "--config", config}
	if r.Snapshot {
		args = append(args, "--snapshot")
	}
	if !r.Publish {
		args = append(args, "--skip=publish")
	}
	if err := run(ctx, o, env, filepath.Join(cacheDir, "goreleaser"), args...); err != nil {
		return err
	}
	lock, err := release.Lock(filepath.Join(dist, "wheels"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dist, "requirements.txt"), lock, 0o644); err != nil || r.Registry == "" {
		return err
	}
	return pushImage(ctx, o, r, is)
}

// pushImage builds and pushes the image with the program of the release for this machine. Its tags
// are the version and the channel, if the release has one.
func pushImage(ctx context.Context, o Options, r Release, channel string) error {
	binaries, err := filepath.Glob(filepath.Join(dist, fmt.Sprintf("slipway_%s_%s_*", runtime.GOOS, runtime.GOARCH), "slipway*"))
	if err != nil {
		return err
	}
	if len(binaries) != 1 {
		return fmt.Errorf("%s has no program for %s/%s, which builds the image", dist, runtime.GOOS, runtime.GOARCH)
	}
	said, err := output(ctx, binaries[0], "version") // slipway v1.2.3
	if err != nil {
		return err
	}
	version := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(said), "slipway v"), "+", "-")
	env := []string{"RELEASE_REGISTRY=" + r.Registry, "RELEASE_VERSION=" + version, "RELEASE_CHANNEL=" + cmp.Or(channel, version)}
	args := []string{"build", "-f", "release.yaml"}
	if r.Platform != "" {
		env, args = append(env, "RELEASE_PLATFORM="+r.Platform), append(args, "--env=one-platform")
	}
	return run(ctx, o, env, binaries[0], args...)
}

// cutToPlatform writes a configuration of goreleaser for one platform into a temporary
// directory, and returns its path.
func cutToPlatform(config, platform string) (string, error) {
	system, machine, found := strings.Cut(platform, "/")
	if !found {
		return "", fmt.Errorf("%q is no platform such as linux/amd64", platform)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return "", err
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return "", fmt.Errorf("%s: %w", config, err)
	}
	builds, _ := document["builds"].([]any)
	for _, build := range builds {
		if keys, ok := build.(map[string]any); ok {
			keys["goos"], keys["goarch"] = []string{system}, []string{machine}
		}
	}
	if text, err = yaml.Marshal(document); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "goreleaser")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "goreleaser.yaml")
	return path, os.WriteFile(path, text, 0o600)
}
