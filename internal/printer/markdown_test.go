package printer

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestMarkdownShowsNames checks that names from a job have no meaning in Markdown.
func TestMarkdownShowsNames(t *testing.T) {
	for name, want := range map[string]string{
		"val_loss": "val_loss", "epoch 3": "epoch 3", "a/b.c": "a/b.c", "": "",
		"<img src=x onerror=1>": "`<img src=x onerror=1>`", "[x](https://evil.example)": "`[x](https://evil.example)`",
		"https://evil.example": "`https://evil.example`", "www.evil.example": "`www.evil.example`", "fixes GH-1": "`fixes GH-1`", "fixes #1": "`fixes #1`", "*b*": "`*b*`", "a|b": "`a\\|b`",
		"`x`<b>": "`` `x`<b> ``", "a\nb": "a b", "@octocat": "`@octocat`", "\u202egnp.exe": "`\\u202egnp.exe`", "\x1b]0;x\x07": "`\\x1b]0;x\\x07`",
		"\x1b[31mred\x1b[0m": "red", "x\n\n## forged": "`x  ## forged`",
	} {
		if got := inline(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	r := &report.Result{Command: "deploy", Error: "a\n```\n<b>\u202e", Jobs: []report.Job{{Name: "`|<x>", Run: report.Run{
		UUID: "0123", RunName: "<x>", Status: "failed", Metrics: map[string]float64{"[a](http://b)|": 1}, LastLines: []string{"```", "# big"},
	}}}}
	text := strings.Join(Summary(r), "\n\n")
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|")-strings.Count(line, `\|`) != 5 {
			t.Errorf("the row %s has other cells", line)
		}
	}
	if strings.Contains(text, "\u202e") || strings.Contains(text, "\n# big") && !strings.Contains(text, "````") {
		t.Errorf("got %s", text)
	}
	plan := &report.Result{Command: "plan", Changes: 1, Manifests: []report.Manifest{{Kind: "Pod", Name: "a\n\n# forged\n\n@everyone", Diff: "+x"}}}
	if text := strings.Join(Summary(plan), "\n\n"); strings.Contains(text, "\n# forged") || !strings.Contains(text, "<code>Pod a  # forged  @everyone</code>") {
		t.Errorf("the name of an object becomes Markdown:\n%s", text)
	}
}
