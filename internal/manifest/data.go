package manifest

import (
	"encoding/base64"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// checkData checks that the data of a Secret is base64. The API server would answer that with an
// internal error, which does not say where. The errors do not show the values.
func (r *reader) checkData(root *yaml.Node, value map[string]any) {
	data, _ := value["data"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, isText := data[key].(string)
		if _, err := base64.StdEncoding.DecodeString(text); isText && err != nil {
			r.fail(child(child(root, "data"), key), "encode it, or put plain text under stringData", "data.%s of a Secret must be base64", key)
		}
	}
}
