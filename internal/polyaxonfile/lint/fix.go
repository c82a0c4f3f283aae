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

// fix returns the text of a file with a finding fixed.
type fix func(text []byte) ([]byte, error)

// edits returns a fix that edits the structure of the file. Comments, order and quotes of
// the rest stay.
func edits(all ...edit.Edit) fix {
	return func(text []byte) ([]byte, error) { return edit.Apply(text, all...) }
}

func set(path []string, value any) fix { return edits(edit.Set(value, path...)) }

// maxFixes is the maximum number of changes that Fix tries.
const maxFixes = 500

// Fixed is the result of Fix. Text is the new text of the file.
type Fixed struct {
	Text []byte
	// Done are the fixed findings, with their positions at the time of the fix.
	Done []Finding
}

// Fix fixes what can be fixed safely in the text of a file. name is the file's name in
// errors. Fix keeps a change if checking the file again finds fewer errors, or the same
// number of errors and fewer findings, and no more errors of any single rule. Therefore
// fixing twice changes nothing more. References to other files are not followed. When ctx
// is cancelled, Fix returns what it has fixed so far.
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
		// Applying all fixes at once mostly succeeds. Otherwise they are applied one by one.
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

// apply applies the fixes of findings and checks the file again. It returns false when a
// fix cannot be applied, or when the file does not get better for each of them.
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
	if hasMoreErrors(before, after) || len(open) > 1 && len(after) > len(before)-len(open) {
		return nil, nil, false
	}
	return text, after, true
}

// attempt identifies a finding across rounds, in which line numbers change.
func attempt(f *Finding) string { return fmt.Sprint(f.Rule, "\x00", f.Message, "\x00", f.Line) }

func inspect(ctx context.Context, name string, text []byte, o Options) []Finding {
	f, problems := file.Load(name, text)
	return finish(ctx, f, problems, o)
}

// hasMoreErrors reports whether some rule has more errors than before. If none has, it reports
// whether there are neither fewer errors nor, with the same number of errors, fewer
// findings.
func hasMoreErrors(before, after []Finding) bool {
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

// schemaFix returns the fix for a problem of the schema, or nil when no fix is safe.
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

// first returns a fix that inserts a key before the file's other keys. In a file that is
// written in braces, the key is added to the mapping.
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

// converted returns the number or the boolean that a text stands for.
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

// valueAt returns the value at a path of keys and indexes, or nil when there is none.
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
