package source

import (
	"testing"
	"testing/fstest"
)

func TestSuggestFile(t *testing.T) {
	tree := fstest.MapFS{"polyaxon/train.yml": {}, "src/main.py": {}}
	for missing, want := range map[string]string{
		"polyaxon/tarin.yml":    "did you mean polyaxon/train.yml?",
		"./polyaxon/train.yaml": "did you mean polyaxon/train.yml?",
		"scr":                   "did you mean src?",
		"polyaxon/other.yml":    "otherwise",
		"nowhere/train.yml":     "otherwise",
		"../train.yml":          "otherwise",
	} {
		if got := SuggestFile(tree, missing, "otherwise"); got != want {
			t.Errorf("%s: %q, want %q", missing, got, want)
		}
	}
}
