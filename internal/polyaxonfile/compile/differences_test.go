package compile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

var updateDocs = flag.Bool("update-docs", false, "write docs/polyaxonfile-differences.md")

// difference is something that slipway does differently from Polyaxon 2.18.
type difference struct {
	// What and Why are the texts in docs/polyaxonfile-differences.md.
	What, Why string
	// Questions are the names of the questions that show the difference. If no question can
	// show it, the list is empty and Untested says why.
	Questions []string
	Untested  string
}

// differences returns all known differences. The test fails for a question that differs
// and is not listed, and for one that is listed and does not differ.
func differences() []difference {
	return []difference{
		{
			What: "A template that prints a whole mapping has its keys in alphabetical order.",
			Why: "slipway sends operations as JSON with sorted keys, so that the same operation has the same bytes; what a user wrote is in that order " +
				"on the server too. Polyaxon's own objects (git, dockerfile, artifacts, event, the schema of a connection) it prints in the order of " +
				"their definition.",
			Questions: []string{
				"input/{name: x, type: git, value: {url: u, revision: r}}", "output/{name: x, type: git, value: {url: u, revision: r}}",
				"input/{name: x, type: dockerfile, value: {image: i, env: {A: b}, run: [a]}}", "output/{name: x, type: dockerfile, value: {image: i, env: {A: b}, run: [a]}}",
				"input/{name: x, type: artifacts, value: {files: [a, [b, c]], dirs: [d]}}", "output/{name: x, type: artifacts, value: {files: [a, [b, c]], dirs: [d]}}",
				"input/{name: x, type: event, value: {name: a, kind: b}}", "output/{name: x, type: event, value: {name: a, kind: b}}",
				"pod/connections: [fstore-pvc, repo]", "replica/connections: [fstore-pvc, repo]",
				"container/args: ['{{ connections }}', '{{ init }}', '{{ connections[\"repo\"].url }}', '{{ connections[\"fstore-pvc\"].mountPath }}']",
			},
		},
		{
			What: "`.inf` and `.nan` become null, and a time without a zone is in UTC.",
			Why: "An operation is sent as JSON, which has none of these: Polyaxon's own client sends null and a time in UTC, and so does slipway. The test " +
				"compiles with Polyaxon's library, without sending.",
			Questions: []string{"input/{name: x, value: 2026-01-02 10:00:00}", "output/{name: x, value: 2026-01-02 10:00:00}"},
		},
		{
			What: "A whole number that a template computes must fit into 64 bits.",
			Why:  "Whole numbers in Python have no limit. JSON and Kubernetes have the same limit as slipway.",
			Questions: []string{
				"odd/args: ['{{ 10 ** 30 }}']",
			},
		},
		{
			What: "What Python prints with an address, slipway prints without one.",
			Why: "A method that is not called, or `map` without `list` after it, becomes a text such as `<generator object at 0x7f18f3479240>`: never " +
				"what is meant, and another one each time, so that no run would be the same twice. slipway prints `<function>`, and the list.",
			Questions: []string{
				"odd/args: ['{{ d.items }}']", "odd/args: ['{{ [3, 1] | map(\"string\") }}']", "odd/args: ['{{ self }}']",
			},
		},
		{
			What:      "The filter random and the function lipsum are not supported.",
			Why:       "Their results are random: the same inputs would not give the same run.",
			Questions: []string{"odd/args: ['{{ [1, 2] | random }}']", "odd/args: ['{{ lipsum() }}']"},
		},
		{
			What: "The filters urlize and xmlattr, and the tag autoescape, are not supported.",
			Why:  "They are for HTML, and templates of Polyaxonfiles make commands and variables.",
			Questions: []string{
				"odd/args: ['{{ s | urlize }}']", "odd/args: ['{{ {''class'': ''a''} | xmlattr }}']", "odd/args: ['{% autoescape true %}{{ s }}{% endautoescape %}']",
			},
		},
		{
			What:      "A template cannot change the params that it is given.",
			Why:       "In Polyaxon `{{ list.append(3) }}` changes the param for every template that happens to be rendered later. A list that the template makes itself can be changed.",
			Questions: []string{"odd/args: ['{{ d.b.append(3) or d.b }}']"},
		},
		{
			What:      "A pod of a Dask cluster lacks what its dashboard needs, and a replica has no volume of another's connection.",
			Why:       "Polyaxon adds the probes, ports and arguments of the dashboard, and the volume, for itself: the user asked for none of them, and nothing mounts the volume.",
			Questions: []string{"file/distributed", "run/kind: daskcluster, worker: {replicas: 2, POD}, scheduler: {container: {image: s}}, minReplicas: 1"},
		},
		{
			What: "For some mistakes slipway reports another error than Polyaxon, which may report one of Python.",
			Why: "What refusals are about is compared: the keys that lead there, and the sort of mistake. A file of `{}` lacks a run, rather than being unreadable. " +
				"slipway reports that an operation of a dag has no component together with its other errors. For a run whose kind is wrong for its keys slipway reports the keys, " +
				"and not what is wrong within them; of a patch of replicas, its kind. Of two mistakes in a run that are found when it is compiled, one is reported.",
			Questions: []string{
				"shortcut/{}", "dag/operations: [{name: a, bogus: 1}]", "dag/operations: '{{ ops }}'", "random/8", "random/57", "random/77", "random/82",
			},
		},
		{
			What:     "A template of more than 200,000 steps, 1 MiB of text or 100 levels is an error.",
			Why:      "These are the limits of its steps, of the text that it makes and of its nesting. A server would work on it until it runs out of memory or time.",
			Untested: "Polyaxon would have to be made to hang.",
		},
	}
}

// TestDifferencesDoc checks that docs/polyaxonfile-differences.md agrees with the list.
func TestDifferencesDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString("# How slipway's compilation differs from Polyaxon's\n\n" +
		"slipway puts Polyaxonfiles together, fills them and renders their templates as Polyaxon 2.18 does, or 1.11.3. A test\n" +
		"compares it with the library of each over more than a thousand files, right and wrong ones. The verdict must be the\n" +
		"same, and so must the compiled operation, the resolved operation and the pod. A refusal must be about the same thing:\n" +
		"the same key, and the same sort of mistake. Of a distributed run Polyaxon 2.18 often refuses the whole, and of a file\n" +
		"with several mistakes it is enough that both report one of them.\n\n" +
		"What differs is listed here, with the reason. The test fails when anything else differs, or when one of these no\n" +
		"longer does. This page is written from that list.\n\n# How it differs from Polyaxon 2.18\n")
	writeDifferences(&b, differences())
	b.WriteString("\n# How it differs from Polyaxon 1.11.3\n")
	writeDifferences(&b, differences1())
	b.WriteString("\n# How slipway's check differs from Polyaxon's parser\n\n" +
		"Another test tries every key of every object with values of every kind, in an operation that is right otherwise:\n" +
		"23,000 files. slipway says that a 2.18 server refuses the request if and only if Polyaxon's own parser does, but for\n" +
		"these keys:\n\n")
	for _, d := range polyaxonfiletest.TableDifferences() {
		b.WriteString(markdown.Item("`" + strings.Join(d.Keys, "`, `") + "`: " + d.Why))
	}
	b.WriteString("\nThe same is done with 1.11.3's parser, where these are left:\n\n")
	for _, d := range polyaxonfiletest.TableDifferences1() {
		b.WriteString(markdown.Item("`" + strings.Join(d.Keys, "`, `") + "`: " + d.Why))
	}
	path := filepath.Join(testenv.Root(t), "docs", "polyaxonfile-differences.md")
	if *updateDocs {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a public page
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(have)); diff != "" {
		t.Errorf("%s (-update-docs writes it)", diff)
	}
}

func writeDifferences(b *strings.Builder, all []difference) {
	for _, d := range all {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", strings.TrimSuffix(d.What, "."), markdown.Wrap(d.Why, markdown.Columns))
		switch {
		case len(d.Questions) > 0:
			fmt.Fprintf(b, "\nSeen in %d of the files, for example:\n\n```yaml\n%s\n```\n", len(d.Questions), strings.SplitN(d.Questions[0], "/", 2)[1])
		case d.Untested != "":
			fmt.Fprintf(b, "\nNot in the test: %s\n", d.Untested)
		}
	}
}
