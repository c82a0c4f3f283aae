package syntax

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// validTexts are valid texts that the test damages.
var validTexts = []string{
	`version: 1.1
kind: component
name: train
inputs:
  - name: epochs
    type: int
    value: 3   # of them
  - {name: rate, type: float, value: 0.1}
run:
  kind: job
  environment:
    labels: {team: "vision", 'stage': test}
  container:
    image: "acme/train:1"
    command: [python, -m, train]
    args: ["--epochs={{ epochs }}", '--rate', "{{ rate }}"]
    env:
    - name: HOME
      value: /tmp
`,
	`# a comment
version: 1.1
kind: operation
params: &p
  lr: {value: 0.1}
  note: "a text
    of two lines"
component:
  run:
    kind: job
    container:
      image: a:1
      args:
      - |
        set -e
        python train.py: now
      - >-
        folded

        text
      - plain text
        that goes on
  inputs: [{name: lr,
    type: float},
    {name: note}]
presets: *p
`,
	"{\n  \"kind\": \"component\",\n  \"run\": {\n    \"kind\": \"job\",\n    \"tags\": [\"a\", \"b\"]\n  }\n}\n",
	"a:\n- b: 1\n  c: 2\n-\n  - d\n  - e: {f: [g, h]}\n? k\n: v\n'q': \"x\\ty\\u00e9\"\n!!str t: !!int 3\n&x y: *x\n",
}

// damages returns the ways in which people damage texts.
func damages() []func(r *rand.Rand, lines []string, n int) {
	replace := func(old, with string) func(*rand.Rand, []string, int) {
		return func(_ *rand.Rand, lines []string, n int) { lines[n] = strings.Replace(lines[n], old, with, 1) }
	}
	all := []func(*rand.Rand, []string, int){
		func(_ *rand.Rand, lines []string, n int) { lines[n] = " " + lines[n] },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = "   " + lines[n] },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = strings.TrimPrefix(lines[n], " ") },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = strings.TrimPrefix(lines[n], "  ") },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = strings.TrimLeft(lines[n], " ") },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = "\t" + strings.TrimLeft(lines[n], " ") },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += "\n---\na: 1" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += "\n...\n" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += " x" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += ": y" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += " ]" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += "\t# a tab" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] += "\r" },
		func(_ *rand.Rand, lines []string, n int) { lines[n] = "" },
		func(r *rand.Rand, lines []string, n int) { // one character is missing
			if len(lines[n]) > 0 {
				i := r.IntN(len(lines[n]))
				lines[n] = lines[n][:i] + lines[n][i+1:]
			}
		},
		func(r *rand.Rand, lines []string, n int) { // one character is added
			i := r.IntN(len(lines[n]) + 1)
			more := []string{"[", "]", "{", "}", ",", ":", ": ", "- ", "\"", "'", "\t", "&a ", "*a", "!t ", "@", "%", "`", "#", " #", "\\", "|", ">", "? ", "\n", "é"}
			lines[n] = lines[n][:i] + more[r.IntN(len(more))] + lines[n][i:]
		},
	}
	for _, pair := range [][2]string{
		{"]", ""}, {"[", ""}, {"}", ""}, {"{", ""}, {"\"", ""}, {"'", ""}, {": ", " "}, {": ", ":"}, {"- ", "-"}, {",", ""}, {": ", ": @"}, {": ", ": %"}, {": ", ": *"}, {": ", ": *none"},
		{": ", ": &twice "}, {": ", ": !"}, {": ", ": !e!x "}, {": ", ": ["}, {": ", ": {"}, {": ", ": \""}, {": ", ": '"}, {": ", ": |"}, {": ", ": >0"}, {": ", ": - "}, {": ", ": \"\\q\""}, {": ", ": \"\\x4\" "},
		{": ", ": {{ x }} "}, {"]", "}"}, {"}", "]"}, {": ", ": |2 "}, {": ", " : "}, {"  ", "\t"},
	} {
		all = append(all, replace(pair[0], pair[1]))
	}
	return all
}

// TestSamePositionsAsPyYAML damages texts in every way at every line, and
// some at two lines, and compares the positions with PyYAML's.
func TestSamePositionsAsPyYAML(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "...\n", "a", "- a\nb: c\n", "%YAML 1.1\n---\na: 1\n", "%YAML 2.0\n---\na\n", "%TAG !e! tag:x\n---\n!e!a b\n", "--- a\n--- b\n", "a: &x 1\nb: &x 2\n", "]", "a: b: c", "[a, b]: c\n", "a: [\n", "a: 'b\n", "\"a", "a\n  b: c\n", "? ? a\n", "a: b\n c: d\n", "&a *b", "a: &a\n*a : b\n", "-\ta\n", "- - a\n - b\n", "\ufeffa: b\n  c: d\n", "a: \"\\\n b\"\n c", "a: b\u0085 c: d"}
	for _, text := range validTexts {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		for _, damage := range damages() {
			for n := range lines {
				damaged := slices.Clone(lines)
				damage(r, damaged, n)
				texts = append(texts, strings.Join(damaged, "\n")+"\n")
				if r.IntN(4) == 0 {
					damages()[r.IntN(len(damages()))](r, damaged, r.IntN(len(lines)))
					texts = append(texts, strings.Join(damaged, "\n")+"\n")
				}
			}
		}
	}
	var marks [][]int
	testenv.Oracle(t, filepath.Join("testdata", "marks.py"), texts, &marks)
	wrong, mistakes := 0, 0
	for i, text := range texts {
		have, want := "nothing", "nothing"
		found := Find([]byte(text))
		if found != nil {
			have = fmt.Sprintf("%d:%d %s | %s", found.Line, found.Column, found.Message, found.Hint)
		}
		if marks[i] != nil {
			mistakes++
			want = fmt.Sprintf("%d:%d", marks[i][0], marks[i][1])
		}
		if at, _, _ := strings.Cut(have, " "); at != want {
			if wrong++; wrong <= 20 {
				t.Errorf("%s\nhave %s\nwant %s", text, have, want)
			}
		}
	}
	t.Logf("%d of %d places differ; %d of %d texts have a mistake", wrong, mistakes, mistakes, len(texts))
}
