package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Identity returns a hash, in hexadecimal, that stays the same as long as a run would do
// the same. It covers the compiled operation and the values of its params. It leaves out
// what does not change what a run does: names, descriptions, tags, the labels and
// annotations whose keys begin with operation.LabelPrefix, and the registry and
// repository of an image that is given by digest. The hash is the same before and after
// the operation was sent, and on every machine. It differs between versions of Polyaxon
// that compile differently.
func (c *Compiled) Identity() string { return c.hash(isOrigin, isImage) }

// FormerIdentity returns the hash that identity version slipway/2 was made of. It also leaves
// out all other keys that begin with operation.LabelPrefix, such as those of a node selector,
// and all text before a digest, such as the name of a flag.
func (c *Compiled) FormerIdentity() string {
	return c.hash(func(_, key string) bool { return strings.HasPrefix(key, operation.LabelPrefix) },
		func(text string) bool { return !strings.ContainsAny(text, " \t\n{}") })
}

// isOrigin reports whether a key of a mapping says where a run comes from.
func isOrigin(mapping, key string) bool {
	return (mapping == "labels" || mapping == "annotations") && strings.HasPrefix(key, operation.LabelPrefix)
}

// imageByDigest matches the reference of an image by digest.
var imageByDigest = lazyregexp.New(`^(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9][a-zA-Z0-9.-]*)?(:[0-9]+)?(/?[a-z0-9][a-z0-9._-]*)*(:[\w.-]+)?@sha256:[0-9a-f]+$`)

func isImage(text string) bool { return imageByDigest.MatchString(text) }

// hash returns the hash of the operation and its params. leftOut reports whether a key of a
// mapping with a name is left out, and isImage whether a text that has a digest is an image.
func (c *Compiled) hash(leftOut func(mapping, key string) bool, isImage func(string) bool) string {
	root := plain.Clone(c.root)
	for _, key := range []string{"name", "description", "tags", "version"} {
		delete(root, key)
	}
	s := stripper{leftOut, isImage}
	content := map[string]any{"operation": s.strip("", root), "params": s.strip("", plain.Copy(c.params))}
	sum := sha256.Sum256([]byte(python.JSON(content)))
	return hex.EncodeToString(sum[:])
}

// stripper removes what an identity leaves out, and the mappings that become empty without
// it.
type stripper struct {
	leftOut func(mapping, key string) bool
	isImage func(string) bool
}

// strip changes the value with a name, and returns it.
func (s stripper) strip(name string, value any) any {
	switch x := value.(type) {
	case map[string]any:
		for key, element := range x {
			below, isMapping := element.(map[string]any)
			before := len(below)
			x[key] = s.strip(key, element)
			if s.leftOut(name, key) || isMapping && before > 0 && len(below) == 0 {
				delete(x, key)
			}
		}
	case []any:
		for i, element := range x {
			x[i] = s.strip(name, element)
		}
	case string:
		if _, digest, ok := strings.Cut(x, "@sha256:"); ok && s.isImage(x) {
			return "@sha256:" + digest
		}
	}
	return value
}
