package metrics

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPage runs the programs of docs/metrics.md that need no library as they are printed, and reads what they
// report. TestTrackingClient and TestMLflow of the command run the others.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("python3 is not installed")
	}
	outputs, s := filepath.Join(t.TempDir(), "outputs"), &Source{}
	blocks := regexp.MustCompile("(?s)```python\n# (?:printed|written)\\.py\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, block := range blocks {
		command := exec.CommandContext(t.Context(), python, "-c", block[1])
		command.Env = append(os.Environ(), "OUTPUTS="+outputs)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", block[1], err, out)
		}
		for line := range strings.Lines(string(out)) {
			s.Line(strings.TrimSuffix(line, "\n"))
		}
	}
	text, err := os.ReadFile(filepath.Join(outputs, FileName))
	if err != nil {
		t.Fatal(err)
	}
	s.File(text)
	if got, _, warnings := Combine(s); len(blocks) != 2 || len(warnings) > 0 || !maps.Equal(got, map[string]float64{"val_acc": 0.93, "auc": 0.8}) {
		t.Errorf("%d programs report %v, with %q", len(blocks), got, warnings)
	}
	for _, condition := range regexp.MustCompile(`require: \{val_acc: "(.*?)", val_loss: "(.*?)"\}`).FindStringSubmatch(string(page))[1:] {
		if _, err := ParseCondition(condition); err != nil {
			t.Errorf("%s: %v", condition, err)
		}
	}
}
