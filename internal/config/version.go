package config

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// supported reports whether this version of slipway reads root's version of the format,
// and adds an error otherwise. The rest of an unsupported file is not decoded, as its
// keys may mean something else.
func (d *decoder) supported(root *yaml.Node) bool {
	given := valueAt(root, "version")
	if given == nil {
		return true
	}
	var version int
	keys := keysOf(reflect.TypeFor[Config](), "")
	k := keys[slices.IndexFunc(keys, func(k key) bool { return k.name == "version" })]
	d.decode(given, reflect.ValueOf(&version).Elem(), []string{k.name}, k)
	for _, e := range d.errs {
		if e.Hint == "" {
			e.Hint = "write version: 1, or leave it out; a later version needs a later slipway"
		}
	}
	return len(d.errs) == 0
}
