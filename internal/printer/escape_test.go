package printer

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/tasks/report"
)

// evil has what acts on a terminal: a title, the clipboard, the cursor, colours that are
// not reset or are hidden in others, 8-bit controls, reversed text, and lines that look
// like slipway's own.
const evil = "a\x1b]0;title\x07b\x1b]52;c;aGk=\x1b\\c\x1b[2Jd\x1b[31me\x1b\x1b[0m[31mf\u009b31mg\u202eh\u2066i\rj\nslipway: forged\n::error::forged\x9b\x00\x7f"

// fill sets every string in a value to text. Of what has more of its own kind in it, such as a ranking, it sets the first.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*time.Time]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text)
		}
	case reflect.Struct:
		for n := range v.NumField() {
			if v.Field(n).CanSet() && v.Field(n).Type() != reflect.PointerTo(v.Type()) {
				fill(v.Field(n), text)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), text)
			fill(v.Index(1), text)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		if value.Kind() == reflect.Interface {
			value.Set(reflect.ValueOf(text))
		} else {
			fill(value, text)
		}
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	}
}

// acts returns what a terminal, or a program that reads lines, would act on, or "".
func acts(text string) string {
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) || r == unicode.ReplacementChar {
			return "the character " + string(r)
		}
	}
	if regexp.MustCompile(`(?m)^slipway: |^\s*::`).MatchString(text) {
		return "a line of its own"
	}
	return ""
}

// TestNothingActsOnTheTerminal prints names, messages, paths and lines that are all evil.
func TestNothingActsOnTheTerminal(t *testing.T) {
	r := &report.Result{}
	fill(reflect.ValueOf(r).Elem(), evil)
	r.Command, r.Text, r.Operation = "deploy", "", nil // printed literally, except to a terminal: see tasks/cli
	for n := range r.Jobs {
		r.Jobs[n].Diff = "" // lines of the user's own operation
	}
	for _, runs := range [][]report.Run{r.Runs, r.Runs[:1]} {
		r.Runs = runs
		var b bytes.Buffer
		if err := Text(&b, r, Page{Columns: 80}); err != nil {
			t.Fatal(err)
		}
		if found := acts(b.String()); found != "" {
			t.Errorf("the text has %s: %q", found, b.String())
		}
	}
	if found := acts(strings.Join(Summary(r), "\n\n")); strings.HasPrefix(found, "the character") {
		t.Errorf("the summary has %s", found)
	}

	for kind := report.Start; kind <= report.Advance; kind++ {
		var b strings.Builder
		now := time.Unix(0, 0)
		style := Style{Verbose: true, Now: func() time.Time { now = now.Add(time.Minute); return now }}
		sink := Lines(&b, style)
		live := NewLive(&b, style, func() (int, int) { return 80, 24 })
		live.tick.Stop()
		e := report.Event{Kind: kind, Step: "run", Subject: evil, Message: evil}
		if kind == report.Line {
			e.Message = logline.Sanitize(strings.ReplaceAll(evil, "\n", " ")) // a job's line may have colours, which are reset at its end
		}
		sink.Event(e)
		sink.Event(e)
		live.Event(e)
		text := regexp.MustCompile(`\r\x1b\[\dA\x1b\[J`).ReplaceAllString(b.String(), "")
		if kind == report.Line {
			for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
				if !strings.HasSuffix(line, "\x1b[0m") {
					t.Errorf("the colours of a line go on after it: %q", line)
				}
			}
			text = colour.ReplaceAllString(text, "")
		}
		if found := acts(text); found != "" {
			t.Errorf("event %d has %s: %q", kind, found, text)
		}
	}
}
