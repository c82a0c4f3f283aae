package fill

// section returns the mapping under a key, and creates it if it is missing. It returns
// nil when the value is not a mapping, for example a template.
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

// removeEmpty removes a mapping or a list that is empty.
func removeEmpty(m map[string]any, key string) {
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

// add appends an element to the list under a key, unless the list has an element for
// which same returns true. It leaves a template that stands for the list unchanged.
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

// named returns a function that reports whether an element has this value under key.
func named(key, value string) func(any) bool {
	return func(element any) bool {
		m, _ := element.(map[string]any)
		return m != nil && m[key] == value
	}
}

// variable returns the container's environment variable of this name, or nil.
func variable(container map[string]any, name string) map[string]any {
	list, _ := container["env"].([]any)
	for _, element := range list {
		if named("name", name)(element) {
			return element.(map[string]any)
		}
	}
	return nil
}
