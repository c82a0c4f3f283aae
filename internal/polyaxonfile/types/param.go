package types

// IsParam tells a param from the value of its short form.
func IsParam(m map[string]any) bool {
	for _, key := range []string{"value", "ref", "contextOnly", "connection", "toInit", "toEnv"} {
		if _, ok := m[key]; ok {
			return true
		}
	}
	return false
}
