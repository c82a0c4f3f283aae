package secret

import (
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// MaxSize is the maximum size of a Secret in Kubernetes, in bytes; etcd's limit of 1.5 MiB
// per request is higher. See kubernetes.io/docs/concepts/configuration/secret.
const MaxSize = 1 << 20

// Source is the source of a value, such as env:TOKEN.
type Source struct{ Scheme, Name string }

// String returns the source as it is written in the configuration. It does not contain
// the value.
func (s Source) String() string { return s.Scheme + ":" + s.Name }

var sourcePattern = lazyregexp.New(Pattern())

// ParseSource parses a source in one of the Forms. Its error does not contain text.
func ParseSource(text string) (Source, error) {
	if !sourcePattern.MatchString(text) {
		// The text is not shown, as it may be the secret itself, pasted in place.
		return Source{}, errors.New("not a secret source: write " + Forms())
	}
	scheme, name, _ := strings.Cut(text, ":")
	return Source{scheme, name}, nil
}
