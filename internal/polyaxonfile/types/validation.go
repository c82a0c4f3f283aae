package types

import (
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// validate checks a value against the input's validation.
func (x IO) validate(value any) error {
	if value == nil || len(x.Validation) == 0 {
		return nil
	}
	each := []any{value}
	items, isList := python.Items(value)
	keys, get, isMapping := python.Mapping(value)
	switch {
	case isList:
		each = items
	case isMapping:
		each = nil
		for _, key := range keys {
			element, _ := get(key)
			each = append(each, element)
		}
	}
	for _, rule := range []string{
		"gt", "ge", "lt", "le", "multipleOf", "minDigits", "maxDigits", "decimalPlaces", "regex", "minLength", "maxLength", "contains", "excludes", "options",
	} {
		if limit := x.Validation[rule]; limit != nil {
			for _, element := range each {
				if err := x.validateRule(rule, element, limit); err != nil {
					return err
				}
			}
		}
	}
	for _, rule := range []string{"minItems", "maxItems", "keys", "containsKeys", "excludesKeys"} {
		if limit := x.Validation[rule]; limit != nil && (isList || isMapping) {
			if err := x.validateItems(rule, value, limit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x IO) validateRule(rule string, value, limit any) error {
	broken := func(words string) error {
		return x.valueErrorf(value, "Value `%s` "+words+" `%s`", python.Str(value), python.Str(limit))
	}
	length := func() (int, bool) {
		if text, ok := value.(string); ok {
			return len([]rune(text)), true
		}
		if items, ok := python.Items(value); ok {
			return len(items), true
		}
		keys, _, ok := python.Mapping(value)
		return len(keys), ok
	}
	n, _ := python.Number(limit)
	switch rule {
	case "gt", "ge", "lt", "le":
		order, comparable := python.Compare(value, limit)
		ok := comparable && map[string]bool{"gt": order > 0, "ge": order >= 0, "lt": order < 0, "le": order <= 0}[rule]
		if !ok {
			return broken(map[string]string{"gt": "must be greater than", "ge": "must be greater than or equal to", "lt": "must be less than", "le": "must be less than or equal to"}[rule])
		}
	case "multipleOf":
		v, isNumber := python.Number(value)
		if !isNumber || n == 0 || v-n*float64(int(v/n)) != 0 {
			return broken("must be a multiple of")
		}
	case "minDigits", "maxDigits":
		digits := len(strings.ReplaceAll(python.Str(value), ".", ""))
		if rule == "minDigits" && digits < int(n) || rule == "maxDigits" && digits > int(n) {
			return broken("must have so many digits:")
		}
	case "decimalPlaces":
		_, places, found := strings.Cut(python.Str(value), ".")
		if !found || len(places) > int(n) {
			return broken("must have at most so many decimal places:")
		}
	case "regex":
		text, isText := value.(string)
		pattern, err := regexp.Compile("^(?:" + python.Str(limit) + ")")
		if !isText || err != nil || !pattern.MatchString(text) {
			return broken("must match the regex")
		}
	case "minLength", "maxLength":
		size, has := length()
		if !has || rule == "minLength" && size < int(n) || rule == "maxLength" && size > int(n) {
			return broken("must have so many characters:")
		}
	case "contains", "excludes":
		found, sensible := contains(value, limit)
		if !sensible || found != (rule == "contains") {
			return broken("must have, or not have,")
		}
	case "options":
		found, sensible := contains(limit, value)
		if !sensible || !found {
			return broken("must be one of the values")
		}
	}
	return nil
}

// contains implements Python's in operator. It returns false for sensible when Python would
// raise a TypeError.
func contains(container, value any) (found, sensible bool) {
	if text, ok := container.(string); ok {
		part, ok := value.(string)
		return strings.Contains(text, part), ok
	}
	if items, ok := python.Items(container); ok {
		for _, item := range items {
			if python.Equal(item, value) {
				return true, true
			}
		}
		return false, true
	}
	if _, get, ok := python.Mapping(container); ok {
		_, found := get(value)
		return found, true
	}
	return false, false
}

func (x IO) validateItems(rule string, value, limit any) error {
	items, _ := python.Items(value)
	keys, _, isMapping := python.Mapping(value)
	size := max(len(items), len(keys))
	n, _ := python.Number(limit)
	wanted, _ := python.Items(limit)
	var ok bool
	switch rule {
	case "minItems":
		ok = size >= int(n)
	case "maxItems":
		ok = size <= int(n)
	default:
		if !isMapping {
			return nil
		}
		all, none := true, true
		for _, key := range wanted {
			found, _ := contains(value, key)
			all, none = all && found, none && !found
		}
		ok = map[string]bool{"keys": all && len(keys) == len(wanted), "containsKeys": all, "excludesKeys": none}[rule]
	}
	if !ok {
		return x.valueErrorf(value, "Value `%s` breaks %s `%s`", python.Str(value), rule, python.Str(limit))
	}
	return nil
}
