package polyaxonfile

// clone copies plain values.
func clone(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return cloneAny(m).(map[string]any)
}

func cloneAny(value any) any {
	switch x := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(x))
		for k, v := range x {
			c[k] = cloneAny(v)
		}
		return c
	case []any:
		c := make([]any, len(x))
		for i, v := range x {
			c[i] = cloneAny(v)
		}
		return c
	}
	return value
}
