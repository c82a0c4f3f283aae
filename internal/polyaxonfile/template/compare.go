package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func compare(operator string, left, right any) (bool, error) {
	switch operator {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "in":
		return contains(right, left)
	case "not in":
		found, err := contains(right, left)
		return !found, err
	}
	for _, side := range []any{left, right} {
		if u, ok := side.(undefined); ok {
			return false, u.err()
		}
	}
	order, ok := python.Compare(left, right)
	if !ok {
		if _, isNumber := python.Number(left); isNumber {
			if _, isNumber := python.Number(right); isNumber {
				return false, nil // one of them is NaN
			}
		}
		return false, errorf("TypeError", "'%s' not supported between instances of '%s' and '%s'", operator, typeName(left), typeName(right))
	}
	switch operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

func equal(left, right any) bool {
	_, a := left.(undefined)
	_, b := right.(undefined)
	if a || b {
		return a && b
	}
	return python.Equal(left, right)
}

func contains(container, value any) (bool, error) {
	if text, ok := container.(string); ok {
		part, ok := value.(string)
		if u, missing := value.(undefined); missing {
			return false, u.err()
		}
		if !ok {
			return false, errorf("TypeError", "'in <string>' requires string as left operand, not %s", typeName(value))
		}
		return strings.Contains(text, part), nil
	}
	if items, ok := python.Items(container); ok {
		for _, item := range items {
			if equal(item, value) {
				return true, nil
			}
		}
		return false, nil
	}
	if _, get, ok := python.Mapping(container); ok {
		_, found := get(value)
		return found, nil
	}
	if _, ok := container.(undefined); ok {
		return false, nil
	}
	return false, errorf("TypeError", "argument of type '%s' is not iterable", typeName(container))
}
