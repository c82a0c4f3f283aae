package polyaxonfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// reference is a name that an expression begins with, past quoted texts.
var (
	quotedText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	reference  = regexp.MustCompile(`(?:^|[^.\w|])([A-Za-z_]\w*)`)
	tag        = regexp.MustCompile(`(?s)\{\{(.*?)\}\}|\{%-?\s*(?:if|elif)\s(.*?)%\}`)
)

// Check gives what is wrong, or looks wrong, with a file that parses: what a
// server of that version refuses (any version when it is empty), and what no
// server tells: templates that render as nothing.
func (f *File) Check(version string) []Problem {
	c := &checker{file: f, used: map[string]bool{}}
	component, at := f.Component()
	if component == nil {
		return nil
	}
	if v, err := ParseVersion(version); err == nil {
		c.problems = append(c.problems, f.Validate(v)...)
	}
	c.names(component)
	run, _ := component["run"].(map[string]any)
	c.templates(run, extend(at, "run"))
	for _, key := range []string{"init", "connections", "cache", "termination", "plugins", "hooks"} {
		c.use(component[key])
	}
	c.inputs(component, at)
	c.image(run, extend(at, "run"))
	return c.problems
}

type checker struct {
	file     *File
	known    map[string]bool
	none     map[string]bool // inputs that are None unless a param is passed
	used     map[string]bool
	problems []Problem
}

func (c *checker) add(severity Severity, name string, at source.Position, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{
		Severity: severity, Name: name, Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint},
	})
}

// names gathers what templates may name.
func (c *checker) names(component map[string]any) {
	c.known = map[string]bool{"globals": true, "params": true, "connections": true, "init": true, "inputs": true, "outputs": true, "contexts": true, "dag": true}
	c.none = map[string]bool{}
	params, _ := c.file.root["params"].(map[string]any)
	for name := range params {
		c.known[name] = true
	}
	for _, x := range append(readIO(component, "inputs"), readIO(component, "outputs")...) {
		c.known[x.name] = true
		if _, passed := params[x.name]; x.optional && !x.hasValue && !passed {
			c.none[x.name] = true
		}
	}
	if matrix, ok := c.file.root["matrix"].(map[string]any); ok {
		for _, key := range []string{"params"} {
			m, _ := matrix[key].(map[string]any)
			for name := range m {
				c.known[name] = true
			}
		}
		values, _ := matrix["values"].([]any)
		for _, value := range values {
			m, _ := value.(map[string]any)
			for name := range m {
				c.known[name] = true
			}
		}
	}
	joins, _ := c.file.root["joins"].([]any)
	for _, join := range joins {
		m, _ := join.(map[string]any)
		joined, _ := m["params"].(map[string]any)
		for name := range joined {
			c.known[name] = true
		}
	}
}

// templates checks every template below a value.
func (c *checker) templates(value any, path []string) {
	switch x := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(x) {
			c.templates(x[key], extend(path, key))
		}
	case []any:
		for i, element := range x {
			c.templates(element, extend(path, strconv.Itoa(i)))
		}
	case string:
		if templated(x) {
			c.template(x, path)
		}
	}
}

func (c *checker) template(text string, path []string) {
	at := c.file.At(path...)
	alone := expression.MatchString(strings.TrimSpace(text))
	for _, m := range tag.FindAllStringSubmatch(text, -1) {
		inner := m[1] + m[2]
		names := rootNames(inner)
		for _, name := range names {
			c.used[name] = true
			if c.known[name] {
				continue
			}
			hint := "declare it as an input, or correct the name"
			if near, ok := source.Nearest(name, sortedKeys(c.known)); ok {
				hint = "did you mean " + near + "?"
			}
			c.add(SeverityError, "undefined-variable", at, hint, "nothing defines %s: Polyaxon would put nothing in its place", name)
		}
		if len(names) == 1 && c.none[names[0]] && !alone && m[1] != "" && strings.TrimSpace(inner) == names[0] {
			c.add(SeverityWarning, "renders-as-none", at, "give the input a default value, or write {{ "+names[0]+" or '' }}",
				"the input %s is optional and has no value: without a param this renders as the text None", names[0])
		}
	}
	if _, err := renderOnce(text, map[string]any{}); err != nil && strings.Contains(err.Error(), "Syntax") {
		c.add(SeverityError, "template-syntax", at, "", "the template cannot be rendered: %v", err)
	}
}

// rootNames gives the names that an expression begins with: of `a.b or c[d]`, a,
// c and d.
func rootNames(expression string) []string {
	var names []string
	seen := map[string]bool{}
	plain := quotedText.ReplaceAllString(expression, "0")
	for _, m := range reference.FindAllStringSubmatchIndex(plain, -1) {
		name := plain[m[2]:m[3]]
		before := strings.TrimRight(plain[:m[2]], " ")
		if strings.HasSuffix(before, "|") || strings.HasSuffix(before, ".") || seen[name] {
			continue
		}
		switch name {
		case "or", "and", "not", "if", "else", "in", "is", "true", "false", "none", "True", "False", "None", "defined":
			continue
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// use marks what a value names as used, without checking it.
func (c *checker) use(value any) {
	switch x := value.(type) {
	case map[string]any:
		for _, v := range x {
			c.use(v)
		}
	case []any:
		for _, v := range x {
			c.use(v)
		}
	case string:
		for _, m := range tag.FindAllStringSubmatch(x, -1) {
			for _, name := range rootNames(m[1] + m[2]) {
				c.used[name] = true
			}
		}
	}
}

// inputs finds inputs that nothing uses, and defaults that Polyaxon refuses.
func (c *checker) inputs(component map[string]any, at []string) {
	seen := map[string]bool{}
	list, _ := component["inputs"].([]any)
	for i, element := range list {
		if m, ok := element.(map[string]any); ok {
			c.use(m["value"]) // a default may name other inputs
			name, _ := m["name"].(string)
			if seen[name] {
				c.add(SeverityError, "repeated-input", c.file.At(extend(extend(at, "inputs"), strconv.Itoa(i))...), "", "the input %s is declared twice", name)
			}
			seen[name] = true
		}
	}
	for i, x := range readIO(component, "inputs") {
		where := c.file.At(extend(extend(at, "inputs"), strconv.Itoa(i))...)
		if text, ok := x.value.(string); x.hasValue && !(ok && templated(text)) {
			if _, err := x.convert(x.value); err != nil {
				c.add(SeverityError, "bad-default", where, "", "the default of input %s does not fit: %v", x.name, err)
			}
		}
		switch x.name {
		case "globals", "params", "connections":
			c.add(SeverityError, "reserved-name", where, "", "an input may not be called %s", x.name)
		}
		if !c.used[x.name] && !c.used["params"] && x.toEnv == "" && x.connection == "" && x.name != imageInput {
			c.add(SeverityWarning, "unused-input", where, "", "nothing uses the input %s", x.name)
		}
	}
}

// image finds images that change under their name.
func (c *checker) image(run map[string]any, at []string) {
	container, _ := run["container"].(map[string]any)
	image, ok := container["image"].(string)
	if !ok || templated(image) || image == imagePlaceholder || strings.Contains(image, "@sha256:") {
		return
	}
	last := image[strings.LastIndex(image, "/")+1:]
	if _, name, tagged := strings.Cut(last, ":"); !tagged || name == "latest" {
		c.add(SeverityWarning, "mutable-image", c.file.At(extend(extend(at, "container"), "image")...), "name a digest, or build it by images in slipway.yaml",
			"the image %s changes under its name: the same run may do something else tomorrow", image)
	}
}
