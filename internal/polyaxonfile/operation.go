package polyaxonfile

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// Operation is what is sent to Polyaxon: a component with params, and nothing
// that is resolved elsewhere.
type Operation struct{ root map[string]any }

// patch lays over on base by one of Polyaxon's strategies: post_merge (the new
// value wins, lists are joined), pre_merge (the old one wins), replace, isnull.
func patch(base, over any, strategy string) any {
	b, bok := base.(map[string]any)
	o, ook := over.(map[string]any)
	if bok && ook {
		merged := clone(b)
		for key, value := range o {
			old, exists := merged[key]
			switch {
			case !exists || old == nil || strategy == "replace":
				merged[key] = cloneAny(value)
			case strategy == "isnull":
			default:
				merged[key] = patch(old, value, strategy)
			}
		}
		return merged
	}
	bl, bok := base.([]any)
	ol, ook := over.([]any)
	switch {
	case bok && ook && strategy == "pre_merge":
		return union(ol, bl)
	case bok && ook:
		return union(bl, ol)
	case strategy == "pre_merge":
		return base
	}
	return cloneAny(over)
}

// union joins lists, each element once.
func union(first, second []any) []any {
	joined := append([]any{}, first...)
next:
	for _, candidate := range second {
		for _, have := range joined {
			if equal(have, candidate) {
				continue next
			}
		}
		joined = append(joined, cloneAny(candidate))
	}
	return joined
}

// JSON gives the operation as it is sent: keys are sorted, so the same operation
// has the same bytes.
func (o *Operation) JSON() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o.root); err != nil {
		return nil // plain values always encode
	}
	return bytes.TrimSpace(b.Bytes())
}

// YAML gives the operation for people.
func (o *Operation) YAML() []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.root); err != nil {
		return o.JSON()
	}
	return b.Bytes()
}

// ParseOperation reads an operation that a server kept.
func ParseOperation(content []byte) (*Operation, error) {
	f, err := Parse("operation", content)
	if err != nil {
		return nil, err
	}
	return &Operation{f.root}, nil
}
