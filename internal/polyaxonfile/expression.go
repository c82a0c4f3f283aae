package polyaxonfile

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// token of an expression.
var token = regexp.MustCompile(`^(?:\s+|([A-Za-z_][A-Za-z0-9_]*)|([0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(==|!=|<=|>=|//|\*\*|[-+*/%~<>()\[\].,|:{}]))`)

// maxTokens bounds an expression.
const maxTokens = 10_000

// evaluate gives the value of a Jinja expression: names, attributes, indexes,
// literals, arithmetic, comparisons, and, or, not, if-else, and the filters that
// Polyaxonfiles use.
func evaluate(text string, scope map[string]any) (any, error) {
	p := &expressionParser{scope: scope}
	for rest := text; rest != ""; {
		m := token.FindStringSubmatch(rest)
		if m == nil || len(p.tokens) > maxTokens {
			return nil, templateErrorf("TemplateSyntaxError(\"unexpected char %q in %q\")", rest[:1], strings.TrimSpace(text))
		}
		if t := strings.TrimSpace(m[0]); t != "" {
			p.tokens = append(p.tokens, t)
		}
		rest = rest[len(m[0]):]
	}
	if len(p.tokens) == 0 {
		return nil, templateErrorf("TemplateSyntaxError(\"Expected an expression, got 'end of print statement'\")")
	}
	value, err := p.ternary()
	if err == nil && p.at < len(p.tokens) {
		err = templateErrorf("TemplateSyntaxError(\"expected token 'end of print statement', got %q\")", p.peek())
	}
	return value, err
}

type expressionParser struct {
	tokens []string
	at     int
	scope  map[string]any
	depth  int
}

func (p *expressionParser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *expressionParser) take(wanted ...string) (string, bool) {
	for _, w := range wanted {
		if p.at < len(p.tokens) && p.tokens[p.at] == w {
			p.at++
			return w, true
		}
	}
	return "", false
}

func (p *expressionParser) expect(wanted string) error {
	if _, ok := p.take(wanted); !ok {
		return templateErrorf("TemplateSyntaxError(\"expected token %q, got %q\")", wanted, p.peek())
	}
	return nil
}

func (p *expressionParser) ternary() (any, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, templateErrorf("the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	value, err := p.or()
	if err != nil {
		return nil, err
	}
	if _, ok := p.take("if"); !ok {
		return value, nil
	}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	var other any = undefined{}
	if _, ok := p.take("else"); ok {
		if other, err = p.ternary(); err != nil {
			return nil, err
		}
	}
	if truth(condition) {
		return value, nil
	}
	return other, nil
}

func (p *expressionParser) or() (any, error) {
	left, err := p.and()
	for err == nil {
		if _, ok := p.take("or"); !ok {
			break
		}
		var right any
		if right, err = p.and(); err == nil && !truth(left) {
			left = right
		}
	}
	return left, err
}

func (p *expressionParser) and() (any, error) {
	left, err := p.not()
	for err == nil {
		if _, ok := p.take("and"); !ok {
			break
		}
		var right any
		if right, err = p.not(); err == nil && truth(left) {
			left = right
		}
	}
	return left, err
}

func (p *expressionParser) not() (any, error) {
	if _, ok := p.take("not"); ok {
		value, err := p.not()
		return !truth(value), err
	}
	return p.comparison()
}

func (p *expressionParser) comparison() (any, error) {
	left, err := p.sum()
	for err == nil {
		operator, ok := p.take("==", "!=", "<=", ">=", "<", ">", "in", "is")
		if !ok {
			break
		}
		if operator == "is" {
			left, err = p.test(left)
			continue
		}
		var right any
		if right, err = p.sum(); err == nil {
			left, err = compare(operator, left, right)
		}
	}
	return left, err
}

// test is `is defined`, `is none` and their negations.
func (p *expressionParser) test(value any) (any, error) {
	_, negated := p.take("not")
	_, isUndefined := value.(undefined)
	name := p.peek()
	p.at++
	result := false
	switch name {
	case "defined":
		result = !isUndefined
	case "undefined":
		result = isUndefined
	case "none", "None":
		result = value == nil
	default:
		return nil, templateErrorf("TemplateAssertionError(\"No test named '%s'.\")", name)
	}
	return result != negated, nil
}

func compare(operator string, a, b any) (any, error) {
	switch operator {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in":
		switch x := b.(type) {
		case string:
			text, ok := a.(string)
			return ok && strings.Contains(x, text), nil
		case []any:
			for _, item := range x {
				if equal(item, a) {
					return true, nil
				}
			}
			return false, nil
		case map[string]any:
			text, _ := a.(string)
			_, ok := x[text]
			return ok, nil
		}
		return false, nil
	}
	x, xok := number(a)
	y, yok := number(b)
	s, sok := a.(string)
	t, tok := b.(string)
	order := 0
	switch {
	case xok && yok && x < y, sok && tok && s < t:
		order = -1
	case xok && yok && x > y, sok && tok && s > t:
		order = 1
	case !(xok && yok) && !(sok && tok):
		return nil, templateErrorf("TypeError(\"%s cannot compare %s and %s\")", operator, asText(a), asText(b))
	}
	return map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator], nil
}

func (p *expressionParser) sum() (any, error) {
	left, err := p.product()
	for err == nil {
		operator, ok := p.take("+", "-", "~")
		if !ok {
			break
		}
		var right any
		if right, err = p.product(); err == nil {
			left, err = arithmetic(operator, left, right)
		}
	}
	return left, err
}

func (p *expressionParser) product() (any, error) {
	left, err := p.unary()
	for err == nil {
		operator, ok := p.take("*", "/", "//", "%")
		if !ok {
			break
		}
		var right any
		if right, err = p.unary(); err == nil {
			left, err = arithmetic(operator, left, right)
		}
	}
	return left, err
}

func (p *expressionParser) unary() (any, error) {
	if _, ok := p.take("-"); ok {
		value, err := p.unary()
		if err != nil {
			return nil, err
		}
		return arithmetic("-", 0, value)
	}
	return p.postfix()
}

func arithmetic(operator string, a, b any) (any, error) {
	if operator == "~" {
		return asText(a) + asText(b), nil
	}
	if s, ok := a.(string); ok && operator == "+" {
		if t, ok := b.(string); ok {
			return s + t, nil
		}
	}
	i, iok := a.(int)
	j, jok := b.(int)
	x, xok := number(a)
	y, yok := number(b)
	if !xok || !yok {
		return nil, templateErrorf("TypeError(\"unsupported operand types for %s: %s and %s\")", operator, asText(a), asText(b))
	}
	whole := iok && jok
	switch operator {
	case "+":
		if whole {
			return i + j, nil
		}
		return x + y, nil
	case "-":
		if whole {
			return i - j, nil
		}
		return x - y, nil
	case "*":
		if whole {
			return i * j, nil
		}
		return x * y, nil
	}
	if y == 0 {
		return nil, templateErrorf("ZeroDivisionError('division by zero')")
	}
	switch operator {
	case "/":
		return x / y, nil
	case "//":
		if whole {
			return int(math.Floor(x / y)), nil
		}
		return math.Floor(x / y), nil
	}
	if whole {
		return ((i % j) + j) % j, nil
	}
	return math.Mod(math.Mod(x, y)+y, y), nil
}

func (p *expressionParser) postfix() (any, error) {
	value, err := p.primary()
	for err == nil {
		switch operator, _ := p.take(".", "[", "|"); operator {
		case ".":
			name := p.peek()
			p.at++
			value = attribute(value, name)
		case "[":
			var index any
			if index, err = p.ternary(); err == nil {
				err = p.expect("]")
				value = item(value, index)
			}
		case "|":
			value, err = p.filter(value)
		default:
			return value, nil
		}
	}
	return nil, err
}

func attribute(value any, name string) any {
	if m, ok := value.(map[string]any); ok {
		if found, ok := m[name]; ok {
			return found
		}
	}
	return undefined{name}
}

func item(value, index any) any {
	switch x := value.(type) {
	case map[string]any:
		if name, ok := index.(string); ok {
			return attribute(x, name)
		}
	case []any:
		if i, ok := index.(int); ok {
			if i < 0 {
				i += len(x)
			}
			if i >= 0 && i < len(x) {
				return x[i]
			}
		}
	}
	return undefined{}
}

func (p *expressionParser) primary() (any, error) {
	t := p.peek()
	p.at++
	switch {
	case t == "":
		return nil, templateErrorf("TemplateSyntaxError(\"unexpected end of expression\")")
	case t == "(":
		value, err := p.ternary()
		if err == nil {
			err = p.expect(")")
		}
		return value, err
	case t == "[":
		list, err := p.arguments("]")
		return list, err
	case t[0] == '"' || t[0] == '\'':
		return unquote(t), nil
	case t[0] >= '0' && t[0] <= '9':
		if i, err := strconv.Atoi(t); err == nil {
			return i, nil
		}
		f, err := strconv.ParseFloat(t, 64)
		return f, err
	case t[0] == '_' || t[0] >= 'A' && t[0] <= 'Z' || t[0] >= 'a' && t[0] <= 'z':
		switch t {
		case "true", "True":
			return true, nil
		case "false", "False":
			return false, nil
		case "none", "None":
			return nil, nil
		}
		if value, ok := p.scope[t]; ok {
			return value, nil
		}
		return undefined{t}, nil
	}
	return nil, templateErrorf("TemplateSyntaxError(\"unexpected %q\")", t)
}

func unquote(t string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, `\"`, `"`, `\'`, `'`).Replace(t[1 : len(t)-1])
}

// arguments reads values up to a closing bracket.
func (p *expressionParser) arguments(closing string) ([]any, error) {
	list := []any{}
	for {
		if _, ok := p.take(closing); ok {
			return list, nil
		}
		value, err := p.ternary()
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		if _, ok := p.take(","); !ok {
			return list, p.expect(closing)
		}
	}
}

func (p *expressionParser) filter(value any) (any, error) {
	name := p.peek()
	p.at++
	var args []any
	if _, ok := p.take("("); ok {
		var err error
		if args, err = p.arguments(")"); err != nil {
			return nil, err
		}
	}
	argument := func(n int) any {
		if n < len(args) {
			return args[n]
		}
		return nil
	}
	switch name {
	case "default", "d":
		_, isUndefined := value.(undefined)
		if isUndefined || truth(argument(1)) && !truth(value) {
			if len(args) == 0 {
				return "", nil
			}
			return args[0], nil
		}
		return value, nil
	case "lower":
		return strings.ToLower(asText(value)), nil
	case "upper":
		return strings.ToUpper(asText(value)), nil
	case "trim":
		return strings.TrimSpace(asText(value)), nil
	case "string":
		return asText(value), nil
	case "replace":
		return strings.ReplaceAll(asText(value), asText(argument(0)), asText(argument(1))), nil
	case "int":
		if f, ok := number(value); ok {
			return int(f), nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(asText(value)), 64); err == nil {
			return int(f), nil
		}
		return 0, nil
	case "float":
		if f, ok := number(value); ok {
			return f, nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(asText(value)), 64); err == nil {
			return f, nil
		}
		return 0.0, nil
	case "length", "count":
		switch x := value.(type) {
		case string:
			return len([]rune(x)), nil
		case []any:
			return len(x), nil
		case map[string]any:
			return len(x), nil
		}
		return 0, nil
	case "first", "last":
		list, _ := value.([]any)
		if len(list) == 0 {
			return undefined{}, nil
		}
		if name == "first" {
			return list[0], nil
		}
		return list[len(list)-1], nil
	case "join":
		list, ok := value.([]any)
		if !ok {
			return asText(value), nil
		}
		separator := ""
		if len(args) > 0 {
			separator = asText(args[0])
		}
		parts := make([]string, len(list))
		for i, element := range list {
			parts[i] = asText(element)
		}
		return strings.Join(parts, separator), nil
	case "tojson":
		text, err := json.Marshal(value)
		return string(text), err
	}
	return nil, templateErrorf("TemplateAssertionError(\"No filter named '%s'.\")", name)
}
