package devtools

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/release"
)

// channels of a release, which are also tags of the image.
const (
	latest = "latest" // the newest release
	next   = "next"   // a candidate that is newer than every release
)

// headTag returns the version that HEAD of the working directory is tagged with, the newest if there
// are several, or "". A tag such as v1, which moves, is no version.
func headTag(ctx context.Context) (string, error) {
	tags, err := versions(ctx, "--points-at=HEAD")
	if err != nil || len(tags) == 0 {
		return "", err
	}
	return tags[0], nil
}

// channel returns the channel of the release of a tag. It is "" for one that is older than another: it
// must not take the place of that one.
func channel(ctx context.Context, tag string) (string, error) {
	tags, err := versions(ctx)
	if err != nil {
		return "", err
	}
	isCandidate := strings.Contains(tag, "-")
	for _, other := range tags {
		switch {
		case other == tag && isCandidate:
			return next, nil
		case other == tag:
			return latest, nil
		case isCandidate || !strings.Contains(other, "-"):
			return "", nil
		}
	}
	return "", nil
}

// versions returns the tags of the repository that are versions, the newest first.
func versions(ctx context.Context, args ...string) (all []string, err error) {
	args = append([]string{"-c", "versionsort.suffix=-", "tag", "--list", "v*", "--sort=-version:refname"}, args...) // candidates before their release
	text, err := output(ctx, "git", args...)
	for line := range strings.Lines(text) {
		if tag := strings.TrimSpace(line); release.IsTag(tag) {
			all = append(all, tag)
		}
	}
	return all, err
}
