package actions

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// TestSummaryFits writes summaries into a file that other commands of the step have written to.
// GitHub drops a file above 1,048,576 bytes, so whole sections are left out.
func TestSummaryFits(t *testing.T) {
	t.Parallel()
	mask := func(text string) string { return strings.ReplaceAll(text, "token", "a longer mask") }
	large, grows := strings.Repeat("x", 400_000), strings.Repeat("token\n", 100_000)
	for name, test := range map[string]struct {
		before   int
		sections []string
		wants    string // what the file has, in this order, with | between
		left     string
	}{
		"all fits":                 {0, []string{"one", large, "two"}, "one|xxx|two", ""},
		"a section does not fit":   {400_000, []string{"one", large, large, "two"}, "one|xxx|two", "Sections left out of this summary: 1, because"},
		"masks make it longer":     {0, []string{"one", grows, "two"}, "one|two", "Sections left out of this summary: 1, because"},
		"little is free":           {maxSummary - 200, []string{"one", large}, "one", "Sections left out of this summary: 1, because"},
		"nothing is free":          {maxSummary, []string{"one"}, "", ""},
		"others wrote beyond it":   {maxSummary + 5, []string{"one"}, "", ""},
		"less is free than a note": {maxSummary - 20, []string{"one"}, "", ""},
	} {
		path := filepath.Join(t.TempDir(), "summary")
		if err := os.WriteFile(path, bytes.Repeat([]byte("-"), test.before), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _ := New(&bytes.Buffer{}, mask, func(name string) (string, bool) {
			return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path}[name], true
		})
		if err := c.Summary(test.sections...); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) > max(maxSummary, test.before) || strings.Contains(string(text), "token") {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		rest := string(text[test.before:])
		if !strings.Contains(rest, test.left) || test.left == "" && strings.Contains(rest, "left out") || test.wants == "" && rest != "" {
			t.Errorf("%s: it does not say %q, but %.200q", name, test.left, rest)
		}
		for want := range strings.SplitSeq(test.wants, "|") {
			_, after, ok := strings.Cut(rest, want)
			if rest = after; !ok {
				t.Errorf("%s: it has no %q", name, want)
			}
		}
	}
}

// TestCommandsAreLines sends commands with text that would act on a terminal, on the order of
// characters, or on the runner. Each is one line, with no such character, whose message is not
// longer than GitHub shows.
func TestCommandsAreLines(t *testing.T) {
	t.Parallel()
	const evil = "50%\x1b[2J\x1b[31m\u202e\r\n::set-output name=a::b\n##[add-path]/tmp\x9b\u2028,x:y"
	const escaped = `50%25\x1b[2J\u202e%0A:` + "\u200b" + `:set-output name=a::b%0A#` + "\u200b" + `#[add-path]/tmp\x9b\u2028,x:y`
	property := strings.NewReplacer(",", "%2C", ":", "%3A").Replace(escaped)
	var log bytes.Buffer
	c, _ := New(&log, func(text string) string { return text }, func(name string) (string, bool) { return "true", name == "GITHUB_ACTIONS" })
	c.Group(evil)
	c.Error(source.Position{File: evil, Line: 2}, evil, evil)
	c.Warning(source.Position{}, "t", strings.Repeat("\x00", MaxAnnotation))
	want := []string{"::group::" + escaped, "::error file=internal/actions/" + property + ",line=2,title=" + property + "::" + escaped, "::warning title=t::" + strings.Repeat(`\x00`, MaxAnnotation/4) + "...", ""}
	if log.String() != strings.Join(want, "\n") {
		t.Errorf("got\n%.700q\nwant\n%.700q", log.String(), strings.Join(want, "\n"))
	}
}
