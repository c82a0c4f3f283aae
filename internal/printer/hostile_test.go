package printer

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestNothingBecomesMarkdown gives every text of a Result a hostile value: names, messages, branches,
// paths, lines and metrics. In the summary and in the comment each of them must be code.
func TestNothingBecomesMarkdown(t *testing.T) {
	for _, evil := range []string{
		"@everyone <img src=x> [a](https://evil.example) | **b** <!-- slipway:end -->", "refs/heads/`x`@everyone</code><script>", "a\n\n## @everyone\n```\n<b>\n~~~\n</details>", "www.evil.example/@everyone", "\u202e@everyone\x1b[2J",
	} {
		for _, on := range []bool{false, true} {
			r := &report.Result{}
			hostileFiller{evil, on}.fill(reflect.ValueOf(r).Elem(), 0)
			r.Command, r.ExitCode = "deploy", 1
			summary := strings.Join(Summary(r), "\n\n")
			comment := Comment{Project: evil, Dir: evil, Environment: evil, Commit: strings.Repeat("01", 20), Limit: 65_536}.Render("", r, func(text string) string { return text })
			if strings.Count(summary, "everyone") < 20 {
				t.Errorf("the summary shows little of the result:\n%s", summary)
			}
			for what, text := range map[string]string{"summary": summary, "comment": strings.Replace(comment, Comment{Project: evil, Dir: evil, Environment: evil}.Marker(), "", 1)} {
				rest := withoutCode(text)
				for _, never := range []string{"everyone", "evil.example", "<img", "<script", "<b>", "**b**", "\u202e", "\x1b"} {
					if at := strings.Index(rest, never); at >= 0 {
						t.Errorf("%q in a %s becomes Markdown: %q", evil, what, rest[max(0, at-150):min(len(rest), at+50)])
					}
				}
			}
		}
	}
}

var (
	fence    = regexp.MustCompile("^(`{3,})[a-z]*$")
	codeHTML = regexp.MustCompile(`<code>[^<]*</code>`)
)

// withoutCode returns Markdown without its blocks and spans of code, as CommonMark defines them: a
// block ends at a line with its fence, and a span at as many backticks as it begins with.
func withoutCode(text string) string {
	var b strings.Builder
	open := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch begun := fence.FindStringSubmatch(line); {
		case open != "" && strings.HasPrefix(line, open) && strings.Trim(line, "`") == "":
			open = ""
		case open != "":
		case begun != nil:
			open = begun[1]
		default:
			b.WriteString(withoutSpans(codeHTML.ReplaceAllString(line, "")) + "\n")
		}
	}
	return b.String()
}

func withoutSpans(line string) string {
	before, rest, found := strings.Cut(line, "`")
	if !found {
		return line
	}
	ticks := 1 + len(rest) - len(strings.TrimLeft(rest, "`"))
	rest = strings.TrimLeft(rest, "`")
	for at := 0; at < len(rest); at++ {
		if n := len(rest[at:]) - len(strings.TrimLeft(rest[at:], "`")); n == ticks {
			return before + withoutSpans(rest[at+n:])
		} else if n > 0 {
			at += n - 1
		}
	}
	return before + strings.Repeat("`", ticks) + withoutSpans(rest)
}

// hostileFiller fills values. Types of package report with a name of their own, such as Action, are
// slipway's own words.
type hostileFiller struct {
	evil string
	on   bool
}

func (f hostileFiller) fill(v reflect.Value, depth int) {
	if depth > 8 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(f.evil)
		}
	case reflect.Bool:
		v.SetBool(f.on)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(f.evil))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth+1)
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		f.fill(one, depth+1)
		v.Set(reflect.Append(v, one))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth+1)
		f.fill(value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type().PkgPath() != "time" {
			for n := range v.NumField() {
				f.fill(v.Field(n), depth+1)
			}
		}
	}
}
