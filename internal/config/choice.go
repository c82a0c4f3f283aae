package config

import (
	"reflect"
	"strings"
)

// validateOneOf checks the sections that need exactly one of several keys. It returns
// the paths, joined by NUL, of the sections that have none of them or more than one.
func (c *Config) validateOneOf(fail func(string, []string, string, ...any)) map[string]bool {
	reported := map[string]bool{}
	c.sections(func(path []string, keys []key, v reflect.Value) {
		var one, all []string
		given, alone := 0, false
		for _, k := range keys {
			if k.oneof == "" {
				continue
			}
			all = append(all, k.name)
			has := !isEmpty(v.Field(k.field))
			switch {
			case k.oneof == "rest":
				alone = alone || has
				continue
			case has:
				given++
			}
			one = append(one, k.name)
		}
		problem := ""
		switch {
		case len(all) == 0 || given == 1 || given == 0 && alone:
			return
		case len(all) == len(one):
			problem = "needs exactly one of " + joinWords(one)
		case given == 0:
			problem = "needs one of " + joinWords(all)
		default:
			problem = "has more than one of " + joinWords(one)
		}
		reported[strings.Join(path, "\x00")] = true
		fail("", path, "%s %s", sectionLabel(path), problem)
	})
	return reported
}

// isEmpty reports whether v is its type's zero value, or a map or slice without elements.
func isEmpty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0
}

// sectionLabel returns the section's name for error messages. A section images.train is "image
// train" and a section secrets.token is "secret token", which is how users speak of them.
// Any other section is named by its path.
func sectionLabel(path []string) string {
	if len(path) == 2 && (path[0] == "images" || path[0] == "secrets") {
		return strings.TrimSuffix(path[0], "s") + " " + path[1]
	}
	return pathLabel(path)
}

// joinWords joins words into one phrase: "a, b and c".
func joinWords(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
