package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Identity gives a hash that stays the same as long as a run would do the same: of
// the compiled operation, with the values of its params. What says where an
// operation comes from, and not what it does, is left out: names, descriptions, tags,
// and the labels and annotations whose keys begin with LabelPrefix. So is the
// registry and repository of an image that is named by its digest. It is the same
// before and after the operation was sent, and on every machine; it is not the same
// for two versions of Polyaxon that compile differently.
func (c *Compiled) Identity() string {
	root := plain.Clone(c.root)
	for _, key := range []string{"name", "description", "tags", "version"} {
		delete(root, key)
	}
	content := map[string]any{"operation": anonymous(root), "params": anonymous(plain.Copy(c.params))}
	sum := sha256.Sum256([]byte(python.JSON(content)))
	return hex.EncodeToString(sum[:])
}

// anonymous leaves out what Identity does not heed, and the mappings that are empty
// without it.
func anonymous(value any) any {
	switch x := value.(type) {
	case map[string]any:
		for key, element := range x {
			below, isMapping := element.(map[string]any)
			before := len(below)
			x[key] = anonymous(element)
			if strings.HasPrefix(key, operation.LabelPrefix) || isMapping && before > 0 && len(below) == 0 {
				delete(x, key)
			}
		}
	case []any:
		for i, element := range x {
			x[i] = anonymous(element)
		}
	case string:
		if _, digest, ok := strings.Cut(x, "@sha256:"); ok && !strings.ContainsAny(x, " \t\n{}") {
			return "@sha256:" + digest
		}
	}
	return value
}
