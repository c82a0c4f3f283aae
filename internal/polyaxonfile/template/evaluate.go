package template

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// value evaluates an expression.
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
		value, args, err := r.subject(f, e.of, e.call)
		if err != nil {
			return nil, err
		}
		return r.filter(e.name, value, args)
	case tested:
		value, args, err := r.subject(f, e.of, e.call)
		if err != nil {
			return nil, err
		}
		result, err := test(e.name, value, args)
		return result != e.negated, err
	}
	return nil, errorf("TemplateSyntaxError", "expected an expression")
}

// subject returns what a filter or a test applies to, and the values of its arguments.
func (r *runtime) subject(f *frame, of expression, c call) (any, values, error) {
	value, err := r.value(f, of)
	if err != nil {
		return nil, values{}, err
	}
	args, err := r.arguments(f, c.args)
	return value, args, err
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
