package edit

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// documentGenerator writes random documents in many styles.
type documentGenerator struct {
	*rand.Rand
	comments int
	step     int
	flush    bool
	json     bool
}

func (a *documentGenerator) one(of ...string) string { return of[a.IntN(len(of))] }

func (a *documentGenerator) comment() string {
	if a.json || a.IntN(4) > 0 {
		return ""
	}
	a.comments++
	return fmt.Sprintf("%s# c%d", a.one(" ", "  "), a.comments)
}

func (a *documentGenerator) own(indent int) string {
	switch {
	case a.json || a.IntN(6) > 0:
		return ""
	case a.IntN(2) == 0:
		return "\n"
	}
	a.comments++
	return fmt.Sprintf("%s# c%d\n", strings.Repeat(" ", indent), a.comments)
}

func (a *documentGenerator) scalar(inFlow bool) string {
	words := []string{"text", "1", "1.5", "true", `"a: \"b\" # no"`, "'it''s # so'", `"{{ X }}"`, "null", "ünï", `""`, "1e3", "-x"}
	if a.json {
		words = []string{`"text"`, "1", "1.5", "true", `"a: \"b\" # no"`, "null", `"ünï"`}
	} else if !inFlow {
		words = append(words, "two words", "a:b", "it's", "a#b", "r/i@sha256:0", "x  # y"[:1])
	}
	return a.one(words...)
}

func (a *documentGenerator) key(i int) string {
	if a.json {
		return fmt.Sprintf(`"k%d"`, i)
	}
	return fmt.Sprintf(a.one("k%d", "k%d", `"k%d"`, "'k%d'"), i)
}

func (a *documentGenerator) flow(depth int) string {
	if depth <= 0 || a.IntN(3) == 0 {
		return a.scalar(true)
	}
	items := make([]string, a.IntN(4))
	mapping := a.IntN(2) == 0
	for i := range items {
		if items[i] = a.flow(depth - 1); mapping {
			items[i] = a.key(i) + ": " + items[i]
		}
	}
	comma := a.one(", ", ", ", ",\n"+strings.Repeat(" ", 60))
	if mapping {
		return "{" + strings.Join(items, comma) + "}"
	}
	return "[" + strings.Join(items, comma) + "]"
}

// value writes the value after a key or a dash at indent, up to the end of the line.
func (a *documentGenerator) value(indent, depth int, dash bool) string {
	choice := a.IntN(6)
	switch {
	case depth <= 0 || choice < 2:
		if a.IntN(8) == 0 {
			in := strings.Repeat(" ", indent+2)
			return " " + a.one("|", "|-", ">", "|+", ">-") + a.comment() + "\n" + in + "some: text\n" + a.one("", "\n") + in + "  # no comment\n" + a.one("", "\n")
		}
		if a.IntN(10) == 0 {
			return " one\n" + strings.Repeat(" ", indent+2) + "two" + a.comment() + "\n"
		}
		if a.IntN(12) == 0 {
			return a.comment() + "\n"
		}
		return a.one(" ", " ", "  ") + a.scalar(false) + a.comment() + "\n"
	case choice == 2:
		return " " + a.flow(depth-1) + a.comment() + "\n"
	}
	inner := indent + a.step
	mapping := choice < 5
	if dash && a.IntN(3) > 0 {
		return " " + strings.TrimLeft(a.block(indent+2, depth-1, mapping, false), " ")
	}
	if !mapping && a.flush && !dash {
		inner = indent
	}
	return a.comment() + "\n" + a.block(inner, depth-1, mapping, true)
}

func (a *documentGenerator) block(indent, depth int, mapping, own bool) string {
	var b strings.Builder
	in := strings.Repeat(" ", indent)
	for i := range 1 + a.IntN(3) {
		if own || i > 0 {
			b.WriteString(a.own(indent))
		}
		if mapping {
			b.WriteString(in + a.key(i) + ":" + a.value(indent, depth, false))
		} else {
			b.WriteString(in + "-" + a.value(indent, depth, true))
		}
	}
	return b.String()
}

func (a *documentGenerator) document() string {
	if a.json = a.IntN(6) == 0; a.json {
		items := make([]string, 1+a.IntN(4))
		for i := range items {
			items[i] = "  " + a.key(i) + ": " + a.flow(3)
		}
		return "{\n" + strings.Join(items, ",\n") + "\n}" + a.one("", "\n")
	}
	a.step, a.flush = 2+2*a.IntN(2), a.IntN(2) == 0
	text := a.one("", "# head c0\n", "---\n") + a.block(0, 4, true, true)
	switch a.IntN(5) {
	case 0:
		// A block scalar without a final line break has another value once there is one.
		if text = strings.TrimRight(text, "\n"); !strings.HasSuffix(text, "# no comment") {
			return text
		}
		return text + "\n"
	case 1:
		return strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// anywhere returns the path of a random value inside value, and that value.
func (a *documentGenerator) anywhere(value any) ([]string, any) {
	var path []string
	for {
		switch x := value.(type) {
		case map[string]any:
			if len(x) == 0 || a.IntN(5) == 0 && len(path) > 0 {
				return path, value
			}
			keys := order(x)
			key := keys[a.IntN(len(keys))]
			path, value = append(path, key), x[key]
		case []any:
			if len(x) == 0 || a.IntN(5) == 0 {
				return path, value
			}
			i := a.IntN(len(x))
			path, value = append(path, strconv.Itoa(i)), x[i]
		default:
			return path, value
		}
	}
}

func (a *documentGenerator) plain() any {
	switch a.IntN(9) {
	case 0:
		return map[string]any{"name": "x", "value": "{{ Y }}", "list": []any{1, map[string]any{"a": nil}}}
	case 1:
		return []any{"a", []any{}, []any{1, []any{2}}, map[string]any{"z": "no"}}
	case 2:
		return map[string]any{}
	case 3:
		return "line one\nline two\n"
	case 4:
		return 1.0
	case 5:
		return nil
	}
	return a.one("word", "yes", "1", "a: b", "# no", " x", "it's", "é\t\u0085", "- a", "", "{{ Z }}")
}

var comment = regexp.MustCompile(`# (?:head )?c\d+`)

// TestEditsAreExact checks that edits of documents in all styles have the same result as
// the same edits of values. None may be refused, and no comment may be lost outside of
// what was removed.
func TestEditsAreExact(t *testing.T) {
	rounds := uint64(1500)
	if testenv.Thorough() {
		rounds = 10000
	}
	for seed := range rounds {
		a := &documentGenerator{Rand: rand.New(rand.NewPCG(seed, 7))}
		text := a.document()
		d, err := parse([]byte(text))
		if err != nil {
			t.Fatalf("seed %d: the author wrote no YAML: %v\n%s", seed, err, text)
		}
		path, old := a.anywhere(d.value)
		kept := true
		var e Edit
		switch _, isMap := old.(map[string]any); {
		case a.IntN(4) == 0:
			e, kept = Delete(path...), false
		case isMap && a.IntN(3) > 0:
			e = Set(a.plain(), below(path, "new")...)
		case a.IntN(2) == 0 && list(old):
			e = Insert(a.plain(), below(path, a.one("-", "0"))...)
		default:
			e, kept = Set(a.plain(), path...), !isMap && !list(old)
		}
		if len(path) == 0 && e.verb != set {
			continue
		}
		want, err := e.ApplyTo(d.value)
		if err != nil {
			t.Fatal(err)
		}
		have, err := Apply([]byte(text), e)
		if err != nil {
			raw, _ := d.edit(e)
			t.Fatalf("seed %d: %v of %v to %#v: %v\n%s\n--- tried\n%s", seed, e, path, e.value, err, text, raw)
		}
		after, err := parse(have)
		if err != nil || !Equal(after.value, want) {
			t.Fatalf("seed %d: %v gives\n%s", seed, e, have)
		}
		before, now := comment.FindAllString(text, -1), comment.FindAllString(string(have), -1)
		if kept && !slices.Equal(before, now) {
			t.Fatalf("seed %d: %v to %#v loses a comment: %v, %v\n%s\n--- is now\n%s", seed, e, e.value, before, now, text, have)
		}
		if strings.Contains(text, "\r\n") && strings.Contains(strings.ReplaceAll(string(have), "\r\n", ""), "\n") {
			t.Fatalf("seed %d: line endings are mixed\n%q", seed, have)
		}
		// Applying the difference of two documents to the first must yield the second.
		b := &documentGenerator{Rand: a.Rand}
		if other, err := parse([]byte(b.document())); err == nil {
			if now, err := Apply([]byte(text), Diff(d.value, other.value)...); err != nil {
				t.Fatalf("seed %d: %v\n%s\n--- to\n%s", seed, err, text, other.text)
			} else if after, err := parse(now); err != nil || !Equal(after.value, other.value) {
				t.Fatalf("seed %d: the difference does not lead there", seed)
			}
		}
	}
}

// TestEditsAtOnce checks that several edits have the same result as applying them one
// after another, and that no comment is lost, whether or not they can be applied at once.
func TestEditsAtOnce(t *testing.T) {
	atOnce := 0
	for seed := range uint64(1000) {
		a := &documentGenerator{Rand: rand.New(rand.NewPCG(seed, 11))}
		text := []byte(a.document())
		d, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var edits []Edit
		want := d.value
		for len(edits) < 4 {
			path, old := a.anywhere(want)
			e := Set(a.plain(), path...)
			switch _, isMap := old.(map[string]any); {
			case isMap:
				e = Set(a.plain(), below(path, fmt.Sprintf("new%d", len(edits)))...)
			case list(old):
				e = Insert(a.plain(), below(path, a.one("-", "0"))...)
			}
			if want, err = e.ApplyTo(want); err != nil {
				t.Fatal(err)
			}
			edits = append(edits, e)
		}
		if changed, _ := d.batch(edits); changed != nil {
			atOnce++
		}
		have, err := Apply(text, edits...)
		if err != nil {
			t.Fatalf("seed %d: %v: %v\n%s", seed, edits, err, text)
		}
		if parseAs(have, want) == nil {
			t.Fatalf("seed %d: %v gives\n%s", seed, edits, have)
		}
		if before, now := comment.FindAllString(string(text), -1), comment.FindAllString(string(have), -1); !slices.Equal(before, now) {
			t.Fatalf("seed %d: %v loses a comment: %v, %v\n%s\n--- is now\n%s", seed, edits, before, now, text, have)
		}
	}
	if atOnce < 200 {
		t.Errorf("%d of 1000 were made at once", atOnce)
	}
}

func list(value any) bool { _, ok := value.([]any); return ok }

// FuzzApply checks that an edit of any text either fails or has the same result as the
// edit of its value.
func FuzzApply(f *testing.F) {
	f.Add(job, uint64(1))
	f.Add("a: &x {k: 1}\nb: *x\nc: {<<: *x}\n", uint64(2))
	f.Add("{\"a\": [1, 2], \"b\": {}}", uint64(3))
	f.Add("- !!str a\n- ? b\n  : c\n- |2\n   x\n", uint64(4))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		d, err := parse([]byte(text))
		if err != nil {
			return
		}
		a := &documentGenerator{Rand: rand.New(rand.NewPCG(seed, 1))}
		path, _ := a.anywhere(d.value)
		for _, e := range []Edit{Set(a.plain(), path...), Delete(path...), Insert(a.plain(), below(path, "-")...), Rename("new", path...), Set(a.plain(), below(path, "new")...)} {
			want, err := e.ApplyTo(d.value)
			have, applied := Apply([]byte(text), e)
			if err != nil && applied == nil {
				t.Fatalf("%v fails on the value and not on the text", e)
			}
			if applied != nil {
				continue
			}
			if after, err := parse(have); err != nil || !Equal(after.value, want) {
				t.Fatalf("%v gives %q", e, have)
			}
		}
	})
}
