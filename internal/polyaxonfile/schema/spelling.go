package schema

import "strings"

// Spelling returns the key of the object that Polyaxon reads the given key as. Polyaxon 2
// also accepts its own keys in snake_case: max_retries for maxRetries. Every version does
// so for the keys of the Kubernetes objects that Polyaxon checks. Spelling returns false
// when there is no such key, and when the object has the given key itself.
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

// snake returns a key in snake_case. An acronym is one word: downwardAPI becomes
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
