package template

import (
	"math"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// arithmetic implements Python's arithmetic operators: / always returns a float, // and %
// round down, + also concatenates strings and lists, * also repeats them, and % also
// formats.
func arithmetic(operator string, left, right any) (any, error) {
	for _, side := range []any{left, right} {
		if u, ok := side.(undefined); ok {
			return nil, u.err()
		}
	}
	refused := errorf("TypeError", "unsupported operand type(s) for %s: '%s' and '%s'", operator, typeName(left), typeName(right))
	s, isText := left.(string)
	switch {
	case operator == "+" && isText:
		t, ok := right.(string)
		if !ok {
			return nil, errorf("TypeError", "can only concatenate str (not \"%s\") to str", typeName(right))
		}
		if len(s)+len(t) > maxText {
			return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
		}
		return s + t, nil
	case operator == "%" && isText:
		return format(s, right)
	case operator == "+":
		if a, ok := python.Items(left); ok {
			b, also := python.Items(right)
			if !also || typeName(left) != typeName(right) || len(a)+len(b) > maxItems {
				return nil, refused
			}
			joined := append(append([]any{}, a...), b...)
			if typeName(left) == "tuple" {
				return python.Tuple(joined), nil
			}
			return &python.List{Items: joined}, nil
		}
	case operator == "*":
		if n, ok := right.(int); ok && (isText || typeName(left) == "list" || typeName(left) == "tuple") {
			return repeat(left, n)
		}
		if n, ok := left.(int); ok && (typeName(right) == "str" || typeName(right) == "list" || typeName(right) == "tuple") {
			return repeat(right, n)
		}
	}
	x, xok := python.Number(left)
	y, yok := python.Number(right)
	if !xok || !yok {
		return nil, refused
	}
	_, xf := left.(float64)
	_, yf := right.(float64)
	if !xf && !yf {
		return whole(operator, int(x), int(y), left, right)
	}
	return real(operator, x, y)
}

func repeat(value any, n int) (any, error) {
	n = max(n, 0)
	if s, ok := value.(string); ok {
		if n > 0 && len(s) > maxText/n {
			return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
		}
		return strings.Repeat(s, n), nil
	}
	items, _ := python.Items(value)
	if n > 0 && len(items) > maxItems/n {
		return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
	}
	repeated := []any{}
	for range n {
		repeated = append(repeated, items...)
	}
	if _, ok := value.(python.Tuple); ok {
		return python.Tuple(repeated), nil
	}
	return &python.List{Items: repeated}, nil
}

// whole computes with integers. Unlike Python's, they are limited to 64 bits; a larger
// result is an error.
func whole(operator string, x, y int, left, right any) (any, error) {
	if i, ok := left.(int); ok {
		x = i
	}
	if i, ok := right.(int); ok {
		y = i
	}
	tooLarge := errorf("OverflowError", "a whole number beyond 64 bits")
	switch operator {
	case "+":
		if z := x + y; (z > x) == (y > 0) {
			return z, nil
		}
		return nil, tooLarge
	case "-":
		if z := x - y; (z < x) == (y > 0) {
			return z, nil
		}
		return nil, tooLarge
	case "*":
		z := x * y
		if x != 0 && (z/x != y || x == -1 && y == math.MinInt) {
			return nil, tooLarge
		}
		return z, nil
	case "**":
		if y < 0 {
			return real(operator, float64(x), float64(y))
		}
		z := 1
		for range y {
			next := z * x
			if z != 0 && (x == 0 || next/z == x) && next != math.MinInt {
				if z = next; z == 0 || z == 1 {
					break
				}
				continue
			}
			return nil, tooLarge
		}
		if x == -1 && y%2 == 1 {
			z = -1
		}
		return z, nil
	}
	if y == 0 {
		return nil, zeroDivision(operator, true)
	}
	switch operator {
	case "/":
		return float64(x) / float64(y), nil
	case "//":
		quotient := x / y
		if x%y != 0 && (x < 0) != (y < 0) {
			quotient--
		}
		return quotient, nil
	}
	return (x%y + y) % y, nil
}

func zeroDivision(operator string, isWhole bool) error {
	switch {
	case operator == "/" && isWhole:
		return errorf("ZeroDivisionError", "division by zero")
	case isWhole:
		return errorf("ZeroDivisionError", "integer division or modulo by zero")
	}
	return errorf("ZeroDivisionError", "float division by zero")
}

func real(operator string, x, y float64) (any, error) {
	switch operator {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "**":
		z := math.Pow(x, y)
		if math.IsNaN(z) || math.IsInf(z, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
			return nil, errorf("OverflowError", "the result of ** is out of range")
		}
		return z, nil
	}
	if y == 0 {
		return nil, zeroDivision(operator, false)
	}
	switch operator {
	case "/":
		return x / y, nil
	case "//":
		return math.Floor(x / y), nil
	}
	z := math.Mod(x, y)
	if z != 0 && (z < 0) != (y < 0) {
		z += y
	}
	return z, nil
}
