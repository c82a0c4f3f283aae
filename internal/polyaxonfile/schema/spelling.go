package schema

import "strings"

// Spelling gives the key of the object that another one is taken for: Polyaxon 2
// takes its own keys in snake_case too, max_retries for maxRetries, and every
// version those of Kubernetes' objects that Polyaxon knows. known is false when
// there is none, and when the object has the key itself.
func (o *Object) Spelling(key string) (spelled string, known bool) {
	o.once.Do(o.index)
	if _, own := o.byKey[key]; own {
		return "", false
	}
	if o.Kubernetes {
		key = snake(key)
	}
	spelled, known = o.bySnake[key]
	return spelled, known
}

// snake gives a key in snake_case; an acronym is one word: downwardAPI is
// downward_api.
func snake(key string) string {
	var b strings.Builder
	upper := true
	for _, c := range key {
		wasUpper := upper
		if upper = c >= 'A' && c <= 'Z'; upper {
			if !wasUpper {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
