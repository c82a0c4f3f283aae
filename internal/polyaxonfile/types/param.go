package types

// IsParam reports whether m is a param in its long form. A param in its short form is
// only a value.
func IsParam(m map[string]any) bool {
	for _, key := range []string{"value", "ref", "contextOnly", "connection", "toInit", "toEnv"} {
		if _, ok := m[key]; ok {
			return true
		}
	}
	return false
}
