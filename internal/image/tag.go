package image

import "strings"

const (
	// inputsTagPrefix begins the tag of an image's inputs.
	inputsTagPrefix = "inputs-"
	// shortRevision is how many digits of a commit's hash a tag has.
	shortRevision = 12
	// maxTag is how long a tag may be, by the OCI distribution specification.
	maxTag = 128
)

// inputsTag gives the tag under which an image with these inputs stands.
func inputsTag(inputs string) string {
	return inputsTagPrefix + inputs[:min(len(inputs), shortRevision)]
}

// TagFor gives the tag of a revision: the first 12 digits of a commit's hash, and
// of a branch or tag of git the name, in which what no tag can have is a dash. It
// is "" when nothing is left.
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

// validTag tells whether a registry takes tag as a tag.
func validTag(tag string) bool {
	return tag != "" && len(tag) <= maxTag && !strings.ContainsAny(tag[:1], "-.") &&
		!strings.ContainsFunc(tag, func(r rune) bool { return !inTags(r) })
}

// isCommit tells whether a revision is a commit's full hash, of SHA-1 or SHA-256.
func isCommit(revision string) bool {
	return (len(revision) == 40 || len(revision) == 64) && strings.Trim(revision, "0123456789abcdef") == ""
}

func inTags(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
}
