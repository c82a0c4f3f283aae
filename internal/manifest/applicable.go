package manifest

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// makeApplicable changes an object to a form that server-side apply handles right. It leaves out what
// only the API server sets, which is in a manifest that was exported from a cluster. It moves the
// texts of a Secret's stringData to data: the API server would do so, too, but would not take out of
// data what a later manifest leaves out.
func makeApplicable(object *unstructured.Unstructured) {
	for _, key := range serverKeys {
		unstructured.RemoveNestedField(object.Object, "metadata", key)
	}
	texts, has, err := unstructured.NestedStringMap(object.Object, "stringData")
	data, _, wrong := unstructured.NestedMap(object.Object, "data")
	if object.GetKind() != "Secret" || object.GetAPIVersion() != "v1" || !has || err != nil || wrong != nil {
		return // the API server says what is wrong
	}
	if data == nil {
		data = map[string]any{}
	}
	for key, text := range texts {
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	object.Object["data"] = data
	delete(object.Object, "stringData")
}
