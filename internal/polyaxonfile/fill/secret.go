package fill

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/source"
)

// SecretKey is a key of a Kubernetes Secret.
type SecretKey struct{ Name, Key string }

// variable returns the environment variable that reads the key.
func (k SecretKey) variable(name string) map[string]any {
	return map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": k.Name, "key": k.Key}}}
}

// injectSecrets passes secret params to containers as environment variables that
// Kubernetes sets from a Secret, so that the operation does not contain their values. It
// does so by the input's toEnv, and where the value of an env entry is only the input.
// The inputs are then removed, because Polyaxon does not get their values. It returns an
// error for a secret that a template would turn into text.
func injectSecrets(f *file.File, root, component map[string]any, at []string, all []operation.Pod, secrets map[string]SecretKey, where func(string) source.Position) error {
	var errs []error
	for _, name := range plain.Keys(secrets) {
		inputs, _ := component["inputs"].([]any)
		n := slices.IndexFunc(inputs, named("name", name))
		if n < 0 {
			continue // checkParams has reported it
		}
		environment, _ := inputs[n].(map[string]any)["toEnv"].(string)
		component["inputs"] = slices.Delete(slices.Clone(inputs), n, n+1)
		removeEmpty(component, "inputs")
		delivered := false
		for _, p := range all {
			container := p.Container()
			if container == nil {
				continue
			}
			if environment != "" {
				add(container, "env", secrets[name].variable(environment), named("name", environment))
				delivered = true
			}
			list, _ := container["env"].([]any)
			for i, element := range list {
				entry, _ := element.(map[string]any)
				value, _ := entry["value"].(string)
				variable, _ := entry["name"].(string)
				if isInput(value, name) {
					list[i] = secrets[name].variable(variable)
					delivered = true
				}
			}
		}
		used := findUse(component, name, at)
		if used == nil {
			used = findUse(without(root, "component"), name, nil)
		}
		switch {
		case used != nil:
			errs = append(errs, &source.Error{Position: where(name),
				Message: fmt.Sprintf("the param %s is a secret, and %s (%s) would put it into the operation as text", name, strings.Join(used, "."), f.At(used...)),
				Hint:    fmt.Sprintf(`give the input toEnv: %s, or use it only as the whole value of an env entry: {name: %s, value: "{{ %s }}"}`, name, name, name)})
		case !delivered:
			errs = append(errs, &source.Error{Position: where(name),
				Message: fmt.Sprintf("the param %s is a secret, and %s has no environment variable for it", name, f.Name),
				Hint:    fmt.Sprintf("give the input toEnv: %s", name)})
		}
	}
	return errors.Join(errs...)
}

func without(m map[string]any, key string) map[string]any {
	less := make(map[string]any, len(m))
	for k, v := range m {
		if k != key {
			less[k] = v
		}
	}
	return less
}

var templateBlock = lazyregexp.New(`(?s)\{\{.*?\}\}|\{%.*?%\}`)

// isInput reports whether a text consists only of a template for the input.
func isInput(text, name string) bool {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "{{")
	if !ok {
		return false
	}
	inner, ok = strings.CutSuffix(inner, "}}")
	inner = strings.TrimSpace(strings.Trim(inner, "-"))
	return ok && (inner == name || inner == "params."+name+".value")
}

// findUse returns the path of a template that uses an input, or nil when there is none.
func findUse(value any, name string, path []string) []string {
	switch x := value.(type) {
	case string:
		for _, block := range templateBlock.FindAllString(x, -1) {
			words := strings.FieldsFunc(block, func(r rune) bool {
				return r != '_' && r != '-' && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
			})
			if slices.Contains(words, name) || slices.Contains(words, "as_args") {
				return path
			}
		}
	case []any:
		for i, element := range x {
			if found := findUse(element, name, append(slices.Clip(path), strconv.Itoa(i))); found != nil {
				return found
			}
		}
	case map[string]any:
		for _, key := range plain.Keys(x) {
			if found := findUse(x[key], name, append(slices.Clip(path), key)); found != nil {
				return found
			}
		}
	}
	return nil
}
