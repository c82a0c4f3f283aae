package fill

// section gives the mapping under a key, and makes it where it is missing; nil
// when something else stands there, such as a template.
func section(m map[string]any, key string) map[string]any {
	below, exists := m[key]
	if !exists || below == nil {
		made := map[string]any{}
		m[key] = made
		return made
	}
	found, _ := below.(map[string]any)
	return found
}

// tidy takes away a mapping or a list that is empty.
func tidy(m map[string]any, key string) {
	switch x := m[key].(type) {
	case map[string]any:
		if len(x) == 0 {
			delete(m, key)
		}
	case []any:
		if len(x) == 0 {
			delete(m, key)
		}
	}
}

// add puts an element at the end of the list under a key unless one is there that
// counts as the same. A template that stands for the list stays.
func add(m map[string]any, key string, element any, same func(any) bool) {
	list, isList := m[key].([]any)
	if !isList && m[key] != nil {
		return
	}
	for _, have := range list {
		if same(have) {
			return
		}
	}
	m[key] = append(list[:len(list):len(list)], element)
}

// named tells an element by one of its keys.
func named(key, value string) func(any) bool {
	return func(element any) bool {
		m, _ := element.(map[string]any)
		return m != nil && m[key] == value
	}
}

// variable gives a container's environment variable, nil when it has none of the
// name.
func variable(container map[string]any, name string) map[string]any {
	list, _ := container["env"].([]any)
	for _, element := range list {
		if named("name", name)(element) {
			return element.(map[string]any)
		}
	}
	return nil
}
