package lint

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// fix gives a file's text in which a finding is mended.
type fix func(text []byte) ([]byte, error)

// edits is a fix by changes to the file's structure: comments, order and quoting
// of the rest stay.
func edits(all ...edit.Edit) fix {
	return func(text []byte) ([]byte, error) { return edit.Apply(text, all...) }
}

func set(path []string, value any) fix { return edits(edit.Set(value, path...)) }

// maxFixes bounds the changes that Fix tries.
const maxFixes = 500

// Fixed is a file after Fix.
type Fixed struct {
	Text []byte
	// Done are the findings that are gone, as they stood when they were mended.
	Done []Finding
}

// Fix mends what can be mended safely in the text of a file, whose name is as
// errors call it. A change is kept when the file, checked again, has fewer errors, or
// as many and fewer findings, and no more errors of any one rule; so fixing twice changes nothing more. References
// to other files are not followed.
func Fix(ctx context.Context, name string, text []byte, o Options) Fixed {
	fixed := Fixed{Text: text}
	now := inspect(ctx, name, text, o)
	tried := map[string]bool{}
	for ctx.Err() == nil && len(tried) < maxFixes {
		var open []Finding
		for i := range now {
			if f := &now[i]; f.fix != nil && f.File == name && !tried[attempt(f)] {
				open = append(open, *f)
			}
		}
		if len(open) == 0 {
			break
		}
		// All at once, which is mostly right, and then one by one.
		mended, after, ok := fixed.apply(ctx, name, o, now, open)
		if !ok {
			open = open[:1]
			mended, after, ok = fixed.apply(ctx, name, o, now, open)
		}
		for i := range open {
			if len(open) == 1 || ok {
				tried[attempt(&open[i])] = true
			}
		}
		if ok {
			fixed.Text, now = mended, after
			fixed.Done = append(fixed.Done, open...)
		}
	}
	return fixed
}

// apply makes the changes of findings and checks again. It gives false when a change
// cannot be made, or the file is not better for each of them.
func (f *Fixed) apply(ctx context.Context, name string, o Options, before, open []Finding) ([]byte, []Finding, bool) {
	text := f.Text
	for i := range open {
		changed, err := open[i].fix(text)
		if err != nil || bytes.Equal(changed, text) {
			return nil, nil, false
		}
		text = changed
	}
	after := inspect(ctx, name, text, o)
	if worse(before, after) || len(open) > 1 && len(after) > len(before)-len(open) {
		return nil, nil, false
	}
	return text, after, true
}

// attempt tells findings apart across rounds, in which lines move.
func attempt(f *Finding) string { return fmt.Sprint(f.Rule, "\x00", f.Message, "\x00", f.Line) }

func inspect(ctx context.Context, name string, text []byte, o Options) []Finding {
	f, problems := file.Load(name, text)
	return finish(ctx, f, problems, o)
}

// worse tells whether there are more errors of some rule than before, or else
// neither fewer errors nor, of the same number, fewer findings.
func worse(before, after []Finding) bool {
	balance, fewer := map[string]int{}, 0
	for _, side := range []struct {
		findings []Finding
		by       int
	}{{before, -1}, {after, 1}} {
		for i := range side.findings {
			if f := &side.findings[i]; f.Severity == file.SeverityError {
				balance[f.Rule] += side.by
				fewer -= side.by
			}
		}
	}
	for _, n := range balance {
		if n > 0 {
			return true
		}
	}
	return fewer == 0 && len(after) >= len(before)
}

// schemaFix is how a problem of the schema is mended, nil when it is not safe to.
func schemaFix(f *file.File, p *file.Problem) fix {
	switch p.Name {
	case "version-missing":
		return first(f, "version", 1.1)
	case "missing-kind":
		kind := "component"
		if f.IsOperation() {
			kind = "operation"
		}
		return first(f, "kind", kind)
	case "default-of-required":
		return set(p.Path, true)
	case "key-spelling":
		if known, ok := strings.CutPrefix(p.Hint, "write it as "); ok {
			path := slices.Clone(p.Path)
			path[len(path)-1] = f.Spelled(path...)
			return edits(edit.Rename(known, path...))
		}
	case "loose-type":
		if value, ok := converted(valueAt(f.Root(), p.Path)); ok {
			return set(p.Path, value)
		}
	}
	return nil
}

// first puts a key before the file's others, or among them where they stand in
// braces.
func first(f *file.File, key string, value any) fix {
	keys := f.Keys()
	if len(keys) == 0 {
		return nil
	}
	line := 0
	for _, k := range keys {
		if at := f.AtKey(k); line == 0 || at.Line < line {
			line = at.Line
		}
	}
	return func(text []byte) ([]byte, error) {
		if trimmed := bytes.TrimLeft(text, "\ufeff \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
			return edit.Apply(text, edit.Set(value, key))
		}
		lines := bytes.SplitAfter(text, []byte("\n"))
		if line < 1 || line > len(lines) {
			return text, nil
		}
		ending := "\n"
		if bytes.HasSuffix(lines[line-1], []byte("\r\n")) {
			ending = "\r\n"
		}
		added := []byte(fmt.Sprintf("%s: %v%s", key, value, ending))
		return bytes.Join(append(append(append([][]byte{}, lines[:line-1]...), added), lines[line-1:]...), nil), nil
	}
}

// converted gives the number or the boolean that a text is of.
func converted(value any) (any, bool) {
	text, ok := value.(string)
	if !ok {
		return nil, false
	}
	switch strings.ToLower(text) {
	case "true", "yes", "on", "y", "t":
		return true, true
	case "false", "no", "off", "n", "f":
		return false, true
	}
	switch v, ok, err := python.Literal(text); v.(type) {
	case int, float64:
		return v, ok && err == nil
	}
	return nil, false
}

// valueAt gives what stands at a path of keys and indexes.
func valueAt(value any, path []string) any {
	for _, key := range path {
		switch x := value.(type) {
		case map[string]any:
			value = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i < 0 || i >= len(x) {
				return nil
			}
			value = x[i]
		default:
			return nil
		}
	}
	return value
}
