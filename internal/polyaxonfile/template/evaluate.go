package template

import (
	"math"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// value gives the value of an expression.
func (r *runtime) value(f *frame, e expression) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer func() { r.depth-- }()
	switch e := e.(type) {
	case constant:
		return e.value, nil
	case reference:
		if value, ok := f.get(e.name); ok {
			return value, nil
		}
		if value, ok := global(e.name); ok {
			return value, nil
		}
		return undefined{python.Repr(e.name) + " is undefined"}, nil
	case attribute:
		of, err := r.value(f, e.of)
		if err != nil {
			return nil, err
		}
		return attributeOf(of, e.name)
	case item:
		return r.item(f, e)
	case list:
		items := make([]any, len(e.items))
		for i, each := range e.items {
			var err error
			if items[i], err = r.value(f, each); err != nil {
				return nil, err
			}
		}
		if e.tuple {
			return python.Tuple(items), nil
		}
		return &python.List{Items: items}, nil
	case dict:
		return r.dict(f, e)
	case unary:
		return r.unary(f, e)
	case binary:
		return r.binary(f, e)
	case comparison:
		return r.comparison(f, e)
	case concat:
		var out buffer
		for _, part := range e.parts {
			value, err := r.value(f, part)
			if err != nil {
				return nil, err
			}
			if err := out.add(text(value)); err != nil {
				return nil, err
			}
		}
		return out.String(), nil
	case conditional:
		condition, err := r.value(f, e.condition)
		switch {
		case err != nil:
			return nil, err
		case truth(condition):
			return r.value(f, e.then)
		case e.otherwise == nil:
			return undefined{"the inline if-expression evaluated to false and no else section was defined."}, nil
		}
		return r.value(f, e.otherwise)
	case invocation:
		return r.call(f, e)
	case filtered:
		value, err := r.value(f, e.of)
		if err != nil {
			return nil, err
		}
		args, err := r.arguments(f, e.args)
		if err != nil {
			return nil, err
		}
		return r.filter(e.name, value, args)
	case tested:
		value, err := r.value(f, e.of)
		if err != nil {
			return nil, err
		}
		args, err := r.arguments(f, e.args)
		if err != nil {
			return nil, err
		}
		result, err := test(e.name, value, args)
		return result != e.negated, err
	}
	return nil, errorf("TemplateSyntaxError", "expected an expression")
}

func (r *runtime) dict(f *frame, e dict) (any, error) {
	d := &python.Dict{}
	for i := range e.keys {
		key, err := r.value(f, e.keys[i])
		if err != nil {
			return nil, err
		}
		value, err := r.value(f, e.values[i])
		if err != nil {
			return nil, err
		}
		if !d.Set(key, value) {
			return nil, errorf("TypeError", "unhashable type: '%s'", typeName(key))
		}
	}
	return d, nil
}

func (r *runtime) unary(f *frame, e unary) (any, error) {
	value, err := r.value(f, e.of)
	if err != nil {
		return nil, err
	}
	if e.operator == "not" {
		return !truth(value), nil
	}
	if u, ok := value.(undefined); ok {
		return nil, u.err()
	}
	sign := 1
	if e.operator == "-" {
		sign = -1
	}
	switch x := value.(type) {
	case int:
		return sign * x, nil
	case float64:
		return float64(sign) * x, nil
	case bool:
		if x {
			return sign, nil
		}
		return 0, nil
	}
	return nil, errorf("TypeError", "bad operand type for unary %s: '%s'", e.operator, typeName(value))
}

func (r *runtime) binary(f *frame, e binary) (any, error) {
	left, err := r.value(f, e.left)
	if err != nil {
		return nil, err
	}
	switch e.operator {
	case "or":
		if truth(left) {
			return left, nil
		}
		return r.value(f, e.right)
	case "and":
		if !truth(left) {
			return left, nil
		}
		return r.value(f, e.right)
	}
	right, err := r.value(f, e.right)
	if err != nil {
		return nil, err
	}
	return arithmetic(e.operator, left, right)
}

func (r *runtime) comparison(f *frame, e comparison) (any, error) {
	left, err := r.value(f, e.first)
	for i, operator := range e.operators {
		if err != nil {
			return nil, err
		}
		right, err := r.value(f, e.others[i])
		if err != nil {
			return nil, err
		}
		ok, err := compare(operator, left, right)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, err
}

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
				return false, nil // a number that is no number
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

// arithmetic computes as Python does: / is never whole, // and % round down, + also
// joins texts and lists, * also repeats them, % also formats.
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

// whole computes with whole numbers. Python's do not end at 64 bits; these do.
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
			return nil, errorf("OverflowError", "the result of ** is no number")
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

// item gives an element by index or key, or a part of a list or text.
func (r *runtime) item(f *frame, e item) (any, error) {
	of, err := r.value(f, e.of)
	if err != nil {
		return nil, err
	}
	if u, ok := of.(undefined); ok {
		return nil, u.err()
	}
	if s, ok := e.index.(slice); ok {
		return r.slice(f, of, s)
	}
	index, err := r.value(f, e.index)
	if err != nil {
		return nil, err
	}
	return itemOf(of, index)
}

func itemOf(of, index any) (any, error) {
	if _, get, ok := python.Mapping(of); ok {
		if value, ok := get(index); ok {
			return value, nil
		}
	}
	if i, ok := index.(int); ok {
		items, isList := python.Items(of)
		if s, isText := of.(string); isText {
			for _, c := range s {
				items = append(items, string(c))
			}
			isList = true
		}
		if i < 0 {
			i += len(items)
		}
		if isList && i >= 0 && i < len(items) {
			return items[i], nil
		}
	}
	if name, ok := index.(string); ok {
		if value, ok := method(of, name); ok {
			return value, nil
		}
		return undefined{"'" + typeName(of) + " object' has no attribute " + python.Repr(name)}, nil
	}
	return undefined{typeName(of) + " object has no element " + python.Repr(index)}, nil
}

func attributeOf(of any, name string) (any, error) {
	if u, ok := of.(undefined); ok {
		return nil, u.err()
	}
	if value, ok := method(of, name); ok {
		return value, nil
	}
	if _, get, ok := python.Mapping(of); ok {
		if value, ok := get(name); ok {
			return value, nil
		}
	}
	return undefined{"'" + typeName(of) + " object' has no attribute " + python.Repr(name)}, nil
}

func (r *runtime) slice(f *frame, of any, s slice) (any, error) {
	bounds := [3]*int{}
	for i, e := range []expression{s.from, s.to, s.step} {
		if e == nil {
			continue
		}
		value, err := r.value(f, e)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		n, ok := value.(int)
		if !ok {
			return nil, errorf("TypeError", "slice indices must be integers or None or have an __index__ method")
		}
		bounds[i] = &n
	}
	text, isText := of.(string)
	items, isList := python.Items(of)
	if isText {
		items = nil
		for _, c := range text {
			items = append(items, string(c))
		}
	}
	if !isText && !isList {
		return undefined{typeName(of) + " object cannot be sliced"}, nil
	}
	part, err := cut(items, bounds)
	switch {
	case err != nil:
		return nil, err
	case isText:
		var b strings.Builder
		for _, c := range part {
			b.WriteString(python.Str(c))
		}
		return b.String(), nil
	}
	if _, ok := of.(python.Tuple); ok {
		return python.Tuple(part), nil
	}
	return &python.List{Items: part}, nil
}

func cut(items []any, bounds [3]*int) ([]any, error) {
	step, n := 1, len(items)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, errorf("ValueError", "slice step cannot be zero")
	}
	step = min(max(step, -n-1), n+1)
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(bound *int, otherwise int) int {
		if bound == nil {
			return otherwise
		}
		i := *bound
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	from, to := clamp(bounds[0], low), clamp(bounds[1], high)
	if step < 0 {
		from, to = clamp(bounds[0], high), clamp(bounds[1], low)
	}
	part := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		part = append(part, items[i])
	}
	return part, nil
}

// arguments evaluates the arguments of a call.
func (r *runtime) arguments(f *frame, a arguments) (values, error) {
	v := values{named: map[string]any{}}
	for _, e := range a.positional {
		value, err := r.value(f, e)
		if err != nil {
			return v, err
		}
		v.positional = append(v.positional, value)
	}
	for i, e := range a.named {
		value, err := r.value(f, e)
		if err != nil {
			return v, err
		}
		v.named[a.names[i]] = value
	}
	if a.star != nil {
		value, err := r.value(f, a.star)
		if err != nil {
			return v, err
		}
		items, err := r.iterate(value)
		if err != nil {
			return v, err
		}
		v.positional = append(v.positional, items...)
	}
	if a.doubleStar != nil {
		value, err := r.value(f, a.doubleStar)
		if err != nil {
			return v, err
		}
		keys, get, ok := python.Mapping(value)
		if !ok {
			return v, errorf("TypeError", "argument after ** must be a mapping, not %s", typeName(value))
		}
		for _, key := range keys {
			element, _ := get(key)
			v.named[python.Str(key)] = element
		}
	}
	return v, nil
}

func (r *runtime) call(f *frame, e invocation) (any, error) {
	of, err := r.value(f, e.of)
	if err != nil {
		return nil, err
	}
	args, err := r.arguments(f, e.args)
	if err != nil {
		return nil, err
	}
	switch callee := of.(type) {
	case undefined:
		return nil, callee.err()
	case function:
		return callee(r, args)
	case *loopState:
		if callee.again != nil {
			return callee.again(r, args)
		}
		return nil, errorf("TypeError", "The loop must have the 'recursive' marker to be called recursively.")
	}
	return nil, errorf("TypeError", "'%s' object is not callable", typeName(of))
}
