package file

import "go.yaml.in/yaml/v3"

// Flow reads a list or a mapping in the brackets of YAML, which are those of JSON too.
func Flow(text string) (any, bool) {
	if len(text) > maxSize {
		return nil, false
	}
	document, err := decode([]byte(text))
	if err != nil {
		return nil, false
	}
	b := &builder{within: map[*yaml.Node]bool{}}
	value, _ := b.value(document, nil)
	return value, len(b.problems) == 0 && !b.exceeded
}
