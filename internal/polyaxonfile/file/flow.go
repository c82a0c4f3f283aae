package file

import "go.yaml.in/yaml/v3"

// Flow parses a YAML flow sequence or flow mapping, which includes JSON arrays and
// objects. It returns false when the text is not valid.
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
