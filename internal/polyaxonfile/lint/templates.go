package lint

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
)

func templateRules() []Rule {
	return []Rule{
		{Name: "undefined-variable", Severity: file.SeverityError, Stage: file.StageAdvice, check: undefinedVariable, byVersion: true,
			Summary: "A template uses an undefined variable",
			Help: "Polyaxon renders templates leniently: a name with a typo renders as an empty text, and the run starts with an argument or a variable that is empty. Where an attribute " +
				"is read from it, the run fails when it is compiled. Declare the name as an input, or correct it. Names of `globals` are checked against those of the version."},
		{Name: "unlisted-connection", Severity: file.SeverityError, Stage: file.StageCompile, check: unlistedConnection,
			Summary: "A template reads a connection that the run does not list",
			Help:    "Templates see the connections that the run lists in `connections` or in `init`, not the whole catalog: `{{ connections['data'].mountPath }}` of another one fails the run when it is compiled."},
		{Name: "renders-as-none", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: rendersAsNone,
			Summary: "An optional input without a value renders as the text None",
			Help: "Inside a longer text, an input that is optional and has no value renders as Python prints it: `--data={{ DIR }}` becomes `--data=None`, and a program then looks for a directory of that name. " +
				"Give the input a default, or write `{{ DIR or '' }}`."},
		{Name: "null-argument", Severity: file.SeverityWarning, Stage: file.StageRun, check: nullArgument, versions: since2,
			Summary: "An argument is left out when its input has no value",
			Help: "An argument that is only `{{ NAME }}` is left out of the pod when the input has no value: a flag before it then takes the argument after it for its value. " +
				"Use `{{ params.NAME.as_arg }}`, or give the input a default."},
		{Name: "template-syntax", Severity: file.SeverityError, Stage: file.StageCompile, check: templateSyntax,
			Summary: "Invalid template syntax",
			Help:    "Jinja cannot parse the template, and the run fails when it is compiled, after it was submitted. Each `{{` needs its `}}`, each `{% if %}` its `{% endif %}`."},
		{Name: "unknown-filter", Severity: file.SeverityError, Stage: file.StageCompile, check: unknownFilter,
			Summary: "A template uses a filter that Jinja does not have",
			Help:    "The run fails when it is compiled. Polyaxon has the filters of Jinja, and `map_format`, but not those of other programs, such as Ansible."},
	}
}

// globalNames returns the attributes of globals in the version. Those of 2.18 are the
// ones that its compiler was observed to provide.
func (p *pass) globalNames() []string {
	names := []string{
		"owner_name", "project_name", "project_unique_name", "project_uuid", "run_info", "name", "uuid", "namespace", "iteration", "context_path",
		"artifacts_path", "created_at", "compiled_at", "schedule_at", "started_at", "finished_at", "duration", "cloning_kind", "original_uuid",
		"is_independent", "store_path", "run_artifacts_path", "run_outputs_path",
	}
	if p.run["kind"] == "service" {
		names = append(names, "ports", "base_url")
	}
	if since2(p.version) {
		names = append(names, "username", "user_email", "run_relative_outputs_path", "base_urls")
	}
	return names
}

// templates calls visit for the texts of the unit that are rendered as templates in a
// run. The operations of dags are units of their own.
func (p *pass) templates(visit func(text string, path []string)) {
	if p.cachedTexts == nil {
		p.cachedTexts = []located{}
		p.findTemplates(func(text string, path []string) {
			if templated(text) {
				p.cachedTexts = append(p.cachedTexts, located{text, path})
			}
		})
	}
	for _, l := range p.cachedTexts {
		if len(p.findings) < maxFindings {
			visit(l.text, l.path)
		}
	}
}

// located is a text with its path.
type located struct {
	text string
	path []string
}

func (p *pass) findTemplates(visit func(text string, path []string)) {
	for _, key := range sorted(p.component) {
		switch key {
		case "run", "inputs", "outputs", "name", "description", "tags":
		default:
			texts(p.component[key], extend(p.path, key), visit)
		}
	}
	for _, key := range sorted(p.run) {
		if key != "operations" && key != "components" {
			texts(p.run[key], extend(p.runPath, key), visit)
		}
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			texts(x.value, extend(x.path, "value"), visit)
		}
	}
	texts(p.operation["runPatch"], extend(p.operationPath, "runPatch"), visit)
}

func undefinedVariable(p *pass) {
	known := p.scope()
	p.templates(func(text string, path []string) {
		seen := map[string]bool{}
		var dashed map[string]string
		for _, n := range p.template(text).names {
			if written := strings.Join(n.Path, "."); n.Tolerated || seen[written] {
				continue
			} else {
				seen[written] = true
			}
			if len(p.findings) >= maxFindings {
				return
			}
			root, second := n.Path[0], ""
			if len(n.Path) > 1 {
				second = n.Path[1]
			}
			switch {
			case !known.names[root]:
				if n.Operand && dashed == nil {
					dashed = hyphenated(text)
				}
				if word := dashed[root]; n.Operand && word != "" {
					if !seen[word] {
						p.within(path, word, known.hyphenHint(word), "a name with a hyphen is a subtraction in a template: the run fails when it is compiled")
					}
					seen[word] = true
					continue
				}
				hint := didYouMean(root, known.similar(n))
				switch {
				case root == "inputs" || root == "outputs":
					hint = "write {{ " + nameOr(second, "NAME") + " }} or {{ params." + nameOr(second, "NAME") + ".value }}"
				case hint == "":
					hint = "declare it as an input, or correct the name"
				}
				p.name(path, text, n, 1, hint, "undefined variable %s: %s", root, p.consequence(n, 1))
			case root == "globals" && second != "" && !slices.Contains(p.globalNames(), second):
				p.name(path, text, n, 2, didYouMean(second, p.globalNames()), "globals has no %s: %s", second, p.consequence(n, 2))
			case root == "params" && second != "" && second != "as_args" && !known.names[second]:
				p.name(path, text, n, 2, didYouMean(second, sorted(known.inputs)), "undefined param %s: %s", second, p.consequence(n, 2))
			case root == "params" && len(n.Path) > 2 && !slices.Contains(paramAttributes(), n.Path[2]):
				p.name(path, text, n, 3, didYouMean(n.Path[2], paramAttributes()), "a param has no %s: %s", n.Path[2], p.consequence(n, 3))
			}
		}
	})
}

// consequence describes what happens when only the parts before part n of a name are
// defined. Jinja renders an undefined name as an empty text, and fails when an attribute
// of it is used.
func (p *pass) consequence(name template.Name, n int) string {
	if len(name.Path) > n || name.Operand {
		return "the run fails when it is compiled"
	}
	return "Polyaxon renders it as empty"
}

// similar returns the names that may be meant by an unknown one. What a template has besides
// inputs is meant only where an attribute is read from it, as in global.uuid.
func (s *scope) similar(n template.Name) []string {
	var names []string
	for _, name := range sorted(s.names) {
		if !s.builtin[name] || len(n.Path) > 1 {
			names = append(names, name)
		}
	}
	return names
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

func unlistedConnection(p *pass) {
	listed := append(p.connections(), p.initConnections()...)
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			listed = append(listed, text(x.values["connection"]))
		}
	}
	for _, param := range mapping(p.operation["params"]) {
		listed = append(listed, text(mapping(param)["connection"]))
	}
	if slices.ContainsFunc(listed, templated) || p.operation["runPatch"] != nil {
		return
	}
	p.templates(func(text string, path []string) {
		for _, n := range p.template(text).names {
			if (n.Path[0] != "connections" && n.Path[0] != "init") || len(n.Path) < 2 || n.Tolerated || contains(listed, n.Path[1]) || n.Path[1] == "get" || n.Path[1] == "keys" || n.Path[1] == "items" {
				continue
			}
			p.name(path, text, n, 2, nameOr(didYouMean(n.Path[1], listed), "add it to the run's connections"), "the run does not list the connection %s: %s", n.Path[1], p.consequence(n, 2))
		}
	})
}

// name reports a finding at the first parts of a name in a template. The name may be
// written as globals.uuid or as globals["uuid"].
func (p *pass) name(path []string, text string, n template.Name, parts int, hint, format string, args ...any) {
	names := n.Path[:parts]
	at := p.file.At(path...)
	if start := at; n.Line > 1 {
		start.Line, start.Column = at.Line+n.Line-1, 1
		at = start
	}
	for _, part := range []string{strings.Join(names, "."), names[len(names)-1], names[0]} {
		if found, ok := p.locate(at, part); ok {
			p.add(found, utf8.RuneCountInString(part), hint, fmt.Sprintf(format, args...))
			return
		}
	}
	p.value(path, hint, format, args...)
}

func paramAttributes() []string { return []string{"value", "type", "as_str", "as_arg", "connection"} }

// onlyTag reports whether a text is a single tag and nothing else.
func onlyTag(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") && strings.Count(text, "{{") == 1 && !strings.Contains(text, "{%")
}

func rendersAsNone(p *pass) {
	known := p.scope()
	p.templates(func(text string, path []string) {
		if onlyTag(text) {
			return
		}
		for _, n := range p.template(text).names {
			if name := n.Path[0]; known.none[name] && n.Alone && len(n.Path) == 1 && !strings.Contains(text, "{% if") {
				p.name(path, text, n, 1, "give the input a default value, or write {{ "+name+" or '' }}",
					"the input %s is optional and has no value: without a param this renders as %s", name, withNone(text, name))
			}
		}
	})
}

// withNone returns the word of the text that contains the name's tag, with None in place
// of the tag, as the user would see it.
func withNone(text, name string) string {
	own := regexp.MustCompile(`\{\{-?\s*` + regexp.QuoteMeta(name) + `\s*-?\}\}`)
	for _, word := range words.FindAllString(own.ReplaceAllString(text, "None"), -1) {
		if strings.Contains(word, "None") {
			return shortened(word)
		}
	}
	return "None"
}

// words matches a word of a text. The spaces in a tag do not end a word.
var words = lazyregexp.New(`(?:\{\{.*?\}\}|\{%.*?%\}|\S)+`)

// shortened truncates a long text.
func shortened(text string) string { return shortenedTo(text, 60) }

func shortenedTo(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return text
}

func nullArgument(p *pass) {
	for _, c := range p.containers() {
		for _, key := range []string{"command", "args"} {
			for i, element := range list(c.values[key]) {
				value := text(element)
				names := p.template(value).names
				if !onlyTag(value) || len(names) != 1 || !names[0].Alone || len(names[0].Path) > 1 {
					continue
				}
				if name := names[0].Path[0]; p.scope().none[name] {
					p.name(extend(c.path, key, itoa(i)), value, names[0], 1, "write {{ params."+name+".as_arg }}, or give the input a default",
						"the input %s is optional and has no value: without a param the pod does not get this argument", name)
				}
			}
		}
	}
}

func templateSyntax(p *pass) {
	p.invalidTemplates("TemplateAssertionError", false, func(text string, path []string, e *template.Error) {
		at := p.file.At(path...)
		if block := strings.TrimSpace(p.file.Line(at)); e.Line > 0 && strings.Contains(text, "\n") && (strings.HasSuffix(block, "|") || strings.HasSuffix(block, "|-")) {
			at.Line, at.Column = at.Line+e.Line, 1
		}
		p.add(at, p.length(at), "Jinja says: "+e.Message, "invalid template syntax: the run fails when it is compiled")
	})
}

func unknownFilter(p *pass) {
	p.invalidTemplates("TemplateAssertionError", true, func(text string, path []string, e *template.Error) {
		p.within(path, e.Name, didYouMean(e.Name, filters()), "Jinja has no filter or test %s: the run fails when it is compiled", e.Name)
	})
}

// invalidTemplates calls visit for the templates that cannot be parsed. If is is true, it
// visits only errors of this kind, otherwise only those of other kinds.
func (p *pass) invalidTemplates(kind string, is bool, visit func(text string, path []string, e *template.Error)) {
	p.templates(func(text string, path []string) {
		var e *template.Error
		if errors.As(p.template(text).err, &e) && (e.Kind == kind) == is {
			visit(text, path, e)
		}
	})
}

// filters returns the names of the filters of Jinja and Polyaxon, to suggest a similar
// name.
func filters() []string {
	return strings.Fields(`abs attr batch capitalize center count default dictsort escape filesizeformat first float format groupby indent int items
		join last length list lower map map_format max min pprint random reject rejectattr replace reverse round safe select selectattr slice sort string
		striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap`)
}

// parsed holds the names in a text's template, or the error of parsing it.
type parsed struct {
	names []template.Name
	err   error
}

// template returns the parsed template of a text. Each text is parsed once for all rules.
// The result is empty for a text that is not a template.
func (p *pass) template(text string) parsed {
	if !template.Has(text) {
		return parsed{}
	}
	if known, ok := p.cache.parsed[text]; ok {
		return known
	}
	var result parsed
	t, err := template.Parse(text)
	if result.err = err; err == nil {
		result.names = t.Names()
	}
	p.cache.parsed[text] = result
	return result
}
