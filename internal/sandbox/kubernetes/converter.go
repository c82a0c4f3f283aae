package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// newTypeConverter returns what server-side apply knows about the fields of the kinds that can be
// applied, such as the keys of lists. It is made of the descriptions that the server serves.
func newTypeConverter() (managedfields.TypeConverter, error) {
	text, err := openDescription(descriptions()["api/v1"])
	if err != nil {
		return nil, err
	}
	var described struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.NewDecoder(text).Decode(&described); err != nil {
		return nil, fmt.Errorf("read the description of the API: %w", err)
	}
	used := map[string]*spec.Schema{}
	for _, k := range kinds() {
		if k.derived {
			continue
		}
		if err := use(used, described.Components.Schemas, "io.k8s.api.core.v1."+k.name); err != nil {
			return nil, err
		}
	}
	return managedfields.NewTypeConverter(used, false)
}

// use adds a schema and those that it refers to.
func use(used map[string]*spec.Schema, all map[string]json.RawMessage, name string) error {
	if used[name] != nil {
		return nil
	}
	used[name] = &spec.Schema{}
	if err := json.Unmarshal(all[name], used[name]); err != nil {
		return fmt.Errorf("read the description of %s: %w", name, err)
	}
	for _, rest := range strings.Split(string(all[name]), `"#/components/schemas/`)[1:] {
		other, _, _ := strings.Cut(rest, `"`)
		if err := use(used, all, other); err != nil {
			return err
		}
	}
	return nil
}
