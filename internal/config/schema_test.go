package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// accepts reports whether the schema s accepts value. It supports the part of JSON schema
// that slipway uses.
func accepts(t *testing.T, root, s map[string]any, value any) bool {
	t.Helper()
	each := func(key string) (n, all int) {
		list, _ := s[key].([]any)
		for _, one := range list {
			if accepts(t, root, one.(map[string]any), value) {
				n++
			}
		}
		return n, len(list)
	}
	if ref, ok := s["$ref"].(string); ok {
		name := filepath.Base(ref)
		if !accepts(t, root, root["$defs"].(map[string]any)[name].(map[string]any), value) {
			return false
		}
	}
	if not, ok := s["not"].(map[string]any); ok && accepts(t, root, not, value) {
		return false
	}
	if n, all := each("oneOf"); all > 0 && n != 1 {
		return false
	}
	if n, all := each("anyOf"); all > 0 && n == 0 {
		return false
	}
	if words, ok := s["enum"].([]any); ok && !slices.ContainsFunc(words, func(word any) bool { return fmt.Sprint(word) == fmt.Sprint(value) }) {
		return false
	}
	if !hasType(s["type"], value) {
		return false
	}
	if text, ok := value.(string); ok && s["pattern"] != nil && !regexp.MustCompile(s["pattern"].(string)).MatchString(text) {
		return false
	}
	list, _ := value.([]any)
	for _, item := range list {
		if items, ok := s["items"].(map[string]any); ok && !accepts(t, root, items, item) {
			return false
		}
	}
	m, isMap := value.(map[string]any)
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, have := m[key.(string)]; isMap && !have {
			return false
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for key, inner := range m {
		if names, ok := s["propertyNames"].(map[string]any); ok && !accepts(t, root, names, key) {
			return false
		}
		below, known := properties[key].(map[string]any)
		if !known {
			if s["additionalProperties"] == false {
				return false
			}
			if below, known = s["additionalProperties"].(map[string]any); !known {
				continue
			}
		}
		if !accepts(t, root, below, inner) {
			return false
		}
	}
	return true
}

func hasType(want, value any) bool {
	have := "null"
	switch value.(type) {
	case map[string]any:
		have = "object"
	case []any:
		have = "array"
	case string:
		have = "string"
	case bool:
		have = "boolean"
	case int:
		have = "integer"
	case float64:
		have = "number"
	}
	if list, ok := want.([]any); ok {
		return slices.Contains(list, any(have)) || have == "integer" && slices.Contains(list, any("number"))
	}
	return want == nil || want == have || want == "number" && have == "integer"
}

// TestSchemaAcceptsWhatSlipwayDoes checks texts against the schema, as an editor would.
func TestSchemaAcceptsWhatSlipwayDoes(t *testing.T) {
	text, err := Schema([]string{"jupyter", "train", "vscode"})
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		string(example): true,
		"jobs: {a: {polyaxonfile: a.yml, timeout: 1h30m, gpu: 1, matrix: expand}}": true,
		"version: 1":                         true,
		"version: 2":                         false,
		"version: v1":                        false,
		"environments: {prod: {version: 1}}": false,
		"jobs: {a: {component: train, timeout: 2d}}":                             true,
		"jobs: {a: {component: '${NAME}', gpu: '${GPUS}', timeout: '${LIMIT}'}}": true,
		"jobs: {a: {image: b}}":                                                  false,
		"jobs: {a: {component: trian}}":                                          false,
		"jobs: {a: {component: train, polyaxonfile: a.yml}}":                     false,
		"jobs: {a: {component: train, timeout: 10min}}":                          false,
		"jobs: {a: {component: train, timeout: 90}}":                             false,
		"jobs: {a: {component: train, on-cancel: wait}}":                         false,
		"jobs: {a: {component: train, matrix: grid}}":                            false,
		"jobs: {a: {component: train, gpu: two}}":                                false,
		"jobs: {A: {component: train}}":                                          false,
		"jobs: {a: {polyaxonfile: ../a.yml}}":                                    false,
		"jobs: {a: {polyaxonfile: /a.yml}}":                                      false,
		"services: {a: {image: b}}":                                              false,
		"services: {a: {component: jupyter}}":                                    true,
		"images: {a: {go: {main: ./a}}}":                                         true,
		"images: {a: {files: [a, ./b], base: x}}":                                true,
		"images: {a: {go: {main: ./a}, files: [a]}}":                             true,
		"images: {a: {base: x}}":                                                 false,
		"images: {a: {go: {main: ./a}, dockerfile: Dockerfile}}":                 false,
		"images: {a: {files: [../a]}}":                                           false,
		"images: {a: {files: [a], platforms: [amd64]}}":                          false,
		"secrets: {a: {data: {t: env:T}}}":                                       true,
		"secrets: {a: {data: {t: hunter2}}}":                                     false,
		"secrets: {a: {}}":                                                       false,
		"cluster: {namespace: a}":                                                false,
		"cluster: {kubeconfig: {}}":                                              true,
		"volume: {claim: a, connection: b}":                                      false,
		"sandbox: {polyaxon: 1.11.3}":                                            true,
		"sandbox: {polyaxon: 2.18}":                                              true,
		"sandbox: {polyaxon: 2.16}":                                              false,
		"references: {hosts: [a.example]}":                                       true,
		"references: {hosts: ['https://a.example']}":                             false,
		"jobs: {a: {component: train}}\nenvironments: {prod: {jobs: {a: {timeout: 1h}}, cluster: {namespace: b}}}": true,
		"environments: {prod: {jobs: {a: {timeout: 10min}}}}":                                                      false,
		"environments: {prod: {environments: {}}}":                                                                 false,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(text, err)
		}
		if have := accepts(t, root, root, value); have != want {
			t.Errorf("%s: %v", text, have)
		}
	}
}
