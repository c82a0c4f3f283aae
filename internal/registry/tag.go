package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// shortRevision is the number of digits of a commit's hash in a tag.
	shortRevision = 12
	// maxTag is the maximum length of a tag, from the OCI distribution specification.
	maxTag = 128
	// OwnTagPrefix is the prefix of tags that only slipway uses. List leaves them out.
	OwnTagPrefix = "slipway-"
)

// TagFor returns the tag for a revision. For a commit it is the first 12 digits of the
// hash. For a Git branch or tag it is the name, with a dash in place of each character that
// is not allowed in a tag. TagFor returns "" if nothing is left.
func TagFor(revision string) string {
	if isCommit(revision) {
		return revision[:shortRevision]
	}
	tag := strings.Map(func(r rune) rune {
		if inTags(r) {
			return r
		}
		return '-'
	}, revision)
	tag = strings.TrimLeft(tag, "-.")
	return strings.TrimRight(tag[:min(len(tag), maxTag)], "-.")
}

// CheckTag returns an error if no registry accepts tag as a tag. of names the image in the
// error, and may be empty.
func CheckTag(tag, of string) error {
	if validTag(tag) {
		return nil
	}
	if of != "" {
		of = " of " + of
	}
	return fmt.Errorf("%q is not a valid tag%s: a tag has letters, digits, _, . and -, does not begin with . or -, and has at most %d characters", tag, of, maxTag)
}

// validTag reports whether registries accept tag as a tag.
func validTag(tag string) bool {
	return tag != "" && len(tag) <= maxTag && !strings.ContainsAny(tag[:1], "-.") &&
		!strings.ContainsFunc(tag, func(r rune) bool { return !inTags(r) })
}

// isCommit reports whether a revision is a full commit hash, SHA-1 or SHA-256.
func isCommit(revision string) bool {
	return (len(revision) == 40 || len(revision) == 64) && strings.Trim(revision, "0123456789abcdef") == ""
}

// inTags reports whether a tag may contain r.
func inTags(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
}

// PointsTo reports whether a tag exists and refers to a digest.
func (r *Repository) PointsTo(ctx context.Context, tag string, digest v1.Hash) (there bool, err error) {
	err = r.client.retry(ctx, func() (err error) {
		there, err = r.wire.pointsTo(ctx, tag, digest)
		return err
	})
	return there, r.Explain("look up "+r.Name.Tag(tag).String(), err)
}

// Tag writes a manifest under a tag. A registry with immutable tags may refuse even the
// digest that the tag already has, which counts as success.
func (r *Repository) Tag(ctx context.Context, tag string, m *Manifest) error {
	err := r.client.retry(ctx, func() error {
		r.Meter.sent.Add(int64(len(m.Text)))
		return r.wire.putManifest(ctx, tag, m.MediaType, m.Text)
	})
	what := "tag " + r.Name.Tag(tag).String()
	if err == nil || ctx.Err() != nil || Status(err)/100 != 4 || BlobLost(err) {
		return r.Explain(what, err)
	}
	if there, askErr := r.wire.pointsTo(ctx, tag, m.Digest); askErr == nil && there {
		return nil
	}
	return r.Explain(what, explainImmutable(err))
}

// explainImmutable adds to a refusal that the tag may be immutable.
func explainImmutable(err error) error {
	if code := Status(err); code == http.StatusBadRequest || code == http.StatusConflict || code == http.StatusMethodNotAllowed {
		return errors.Join(err, errors.New("the tag may be immutable and point to another image; choose another tag, or delete it"))
	}
	return err
}
