package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

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
func (c *Compiled) Identity() string {
	root := plain.Clone(c.root)
	for _, key := range []string{"name", "description", "tags", "version"} {
		delete(root, key)
	}
	content := map[string]any{"operation": stripNames(root), "params": stripNames(plain.Copy(c.params))}
	sum := sha256.Sum256([]byte(python.JSON(content)))
	return hex.EncodeToString(sum[:])
}

// stripNames removes what Identity leaves out, and the mappings that become empty without
// it.
func stripNames(value any) any {
	switch x := value.(type) {
	case map[string]any:
		for key, element := range x {
			below, isMapping := element.(map[string]any)
			before := len(below)
			x[key] = stripNames(element)
			if strings.HasPrefix(key, operation.LabelPrefix) || isMapping && before > 0 && len(below) == 0 {
				delete(x, key)
			}
		}
	case []any:
		for i, element := range x {
			x[i] = stripNames(element)
		}
	case string:
		if _, digest, ok := strings.Cut(x, "@sha256:"); ok && !strings.ContainsAny(x, " \t\n{}") {
			return "@sha256:" + digest
		}
	}
	return value
}
