package template

import (
	"math"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

type testFunc = func(value any, args values) (bool, error)

func isTest(name string) bool { _, ok := testTable()[name]; return ok }

func test(name string, value any, args values) (bool, error) { return testTable()[name](value, args) }

// testTable returns Jinja's tests.
func testTable() map[string]testFunc {
	is := func(f func(any) bool) testFunc {
		return func(value any, _ values) (bool, error) { return f(value), nil }
	}
	compared := func(operator string) testFunc {
		return func(value any, args values) (bool, error) { return compare(operator, value, args.get(0, "other", nil)) }
	}
	named := func(names ...string) testFunc {
		return is(func(value any) bool {
			for _, name := range names {
				if typeName(value) == name {
					return true
				}
			}
			return false
		})
	}
	remainder := func(want int) testFunc {
		return func(value any, _ values) (bool, error) {
			rest, err := arithmetic("%", value, 2)
			return err == nil && python.Equal(rest, want), err
		}
	}
	return map[string]testFunc{
		"boolean": named("bool"), "false": is(func(v any) bool { return v == false }), "true": is(func(v any) bool { return v == true }),
		"callable":    is(func(v any) bool { _, ok := v.(function); return ok }),
		"defined":     is(func(v any) bool { _, ok := v.(undefined); return !ok }),
		"undefined":   is(func(v any) bool { _, ok := v.(undefined); return ok }),
		"divisibleby": divisible, "even": remainder(0), "odd": remainder(1),
		"eq": compared("=="), "equalto": compared("=="), "==": compared("=="), "ne": compared("!="), "!=": compared("!="),
		"lt": compared("<"), "lessthan": compared("<"), "<": compared("<"), "le": compared("<="), "<=": compared("<="),
		"gt": compared(">"), "greaterthan": compared(">"), ">": compared(">"), "ge": compared(">="), ">=": compared(">="),
		"in":      func(value any, args values) (bool, error) { return contains(args.get(0, "seq", nil), value) },
		"escaped": is(func(any) bool { return false }), "none": is(func(v any) bool { return v == nil }),
		"filter":  func(value any, _ values) (bool, error) { return isFilter(text(value)), nil },
		"test":    func(value any, _ values) (bool, error) { return isTest(text(value)), nil },
		"integer": named("int"), "float": named("float"), "number": named("int", "float", "bool"), "string": named("str"),
		"mapping": named("dict"), "sequence": named("str", "list", "tuple", "dict", "Undefined"), "iterable": named("str", "list", "tuple", "dict", "Undefined"),
		"lower":  is(func(v any) bool { s := text(v); return strings.ToLower(s) == s && strings.ToUpper(s) != s }),
		"upper":  is(func(v any) bool { s := text(v); return strings.ToUpper(s) == s && strings.ToLower(s) != s }),
		"sameas": sameAs,
	}
}

func divisible(value any, args values) (bool, error) {
	rest, err := arithmetic("%", value, args.get(0, "num", nil))
	if err != nil {
		return false, err
	}
	f, ok := python.Number(rest)
	return ok && f == 0 && !math.IsNaN(f), nil
}

// sameAs implements the test sameas. Plain values are the same when they have the same type
// and are equal.
func sameAs(value any, args values) (bool, error) {
	other := args.get(0, "other", nil)
	return typeName(value) == typeName(other) && equal(value, other), nil
}
