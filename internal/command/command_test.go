package command

import (
	"bytes"
	"encoding/json"
	stdflag "flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

var update = stdflag.Bool("update", false, "write the list of commands in docs/commands.md")

// TestRows checks that each row is complete and follows the row of its parent command.
func TestRows(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, c := range Table() {
		switch verb, _, _ := strings.Cut(strings.ReplaceAll(c.Help, ",", ""), " "); {
		case seen[c.Name]:
			t.Errorf("two rows have the name %s", c.Name)
		case !seen[c.parent()]:
			t.Errorf("%s stands before %s", c.Name, c.parent())
		case !slices.Contains(groups(), c.Group):
			t.Errorf("%s: help lists no group %q", c.Name, c.Group)
		case c.Summary == "" || strings.HasSuffix(c.Summary, "."):
			t.Errorf("%s: the summary %q is not a line", c.Name, c.Summary)
		case !strings.HasSuffix(verb, "s") || !strings.HasSuffix(c.Help, "."):
			t.Errorf("%s: the help does not begin with a verb in the third person, or end with a full stop: %s", c.Name, c.Help)
		case c.Task.run != nil && len(c.Examples) == 0:
			t.Errorf("%s has no example", c.Name)
		}
		seen[c.Name] = true
	}
}

// TestTags checks the tags of all options.
func TestTags(t *testing.T) {
	kinds := []reflect.Kind{reflect.Bool, reflect.String, reflect.Int, reflect.Slice, durationType.Kind()}
	of := map[string][]flag{"all commands": sharedFlags()}
	for _, c := range Table() {
		of[c.Name] = c.Task.flags
		for n, a := range c.Task.arguments {
			if a.optional() != strings.HasSuffix(a.Word, "]") || a.variadic() != strings.HasSuffix(a.Word, "...]") || a.variadic() && n+1 < len(c.Task.arguments) {
				t.Errorf("%s: the argument %s is a %s", c.Name, a.Word, a.is)
			}
			checkKinds(t, c.Name, a.field)
		}
	}
	for command, flags := range of {
		for _, f := range flags {
			if !slices.Contains(kinds, f.is.Kind()) || f.Help == "" || len(f.Short) > 1 {
				t.Errorf("%s: the flag --%s is a %s, and its help is %q", command, f.Name, f.is, f.Help)
			}
			checkKinds(t, command, f.field)
		}
	}
}

// checkKinds checks that each kind of name that a field completes is known.
func checkKinds(t *testing.T, command string, f field) {
	t.Helper()
	for _, kind := range f.Complete {
		if offered[kind] == nil {
			t.Errorf("%s: %s completes the unknown kind %q", command, f.name, kind)
		}
	}
}

// TestDefaults compares the defaults in tags with those of the tasks.
func TestDefaults(t *testing.T) {
	root := Cobra(cli.Open(), Table())
	for name, want := range map[string]string{
		"runs --limit":          "20",
		"up --wait":             tasks.DefaultWait.String(),
		"dashboard --port":      strconv.Itoa(tasks.DefaultDashboardPort),
		"sandbox serve --idle":  cli.DefaultIdle.String(),
		"deploy --rerun":        "false",
		"deploy --param":        "[]",
		"up --port":             "0",
		"deploy --fail-pending": time.Duration(0).String(),
	} {
		path, flag, _ := strings.Cut(name, " --")
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		if f := c.Flags().Lookup(flag); f == nil || f.DefValue != want {
			t.Errorf("%s: the default is %v, want %s", name, f, want)
		}
	}
}

// TestExamples checks that each example can be run: its command, flags and arguments.
func TestExamples(t *testing.T) {
	for _, row := range Table() {
		for _, example := range row.Examples {
			words := strings.Fields(strings.ReplaceAll(example, "'", ""))
			c, rest, err := Cobra(cli.Open(), Table()).Find(words[1:])
			if err == nil && c.CommandPath() != "slipway "+row.Name {
				t.Errorf("%s is an example of %s", example, row.Name)
			}
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err == nil {
				err = c.ValidateArgs(c.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %v", example, err)
			}
		}
	}
}

// TestResultsAreNamed checks that a Result names its command in full, also if the task fails
// before it returns one.
func TestResultsAreNamed(t *testing.T) {
	var output bytes.Buffer
	a := &cli.App{Dir: t.TempDir(), Output: "json", Stdout: &output, Stderr: io.Discard}
	root := Cobra(a, Table())
	root.SetArgs([]string{"secrets", "plan"})
	err := root.ExecuteContext(t.Context())
	var result tasks.Result
	if read := json.Unmarshal(output.Bytes(), &result); err == nil || read != nil || result.Command != "secrets plan" {
		t.Errorf("the result is %s, and the errors are %v and %v", &output, err, read)
	}
}

// TestEnvironment checks that each shared flag takes its default from an environment
// variable, and that the documentation names the variable.
func TestEnvironment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sharedFlags() {
		if f.Env == "" || !strings.Contains(string(text), "`"+f.Env+"`") {
			t.Errorf("docs/commands.md does not name %q, the variable of --%s", f.Env, f.Name)
		}
		t.Setenv(f.Env, "true")
	}
	if a := cli.Open(); a.Dir != "true" || a.File != "true" || a.Environment != "true" || a.Output != "true" || !a.Quiet || !a.Verbose || !a.NoAttestations {
		t.Errorf("the environment makes %+v", a)
	}
}

// TestServer checks that targets of users, which cli.Open serves, start the sandbox with the
// target of its command.
func TestServer(t *testing.T) {
	if got, want := strings.Join(Server(Table()), ":"), strings.Join(cli.Open().Self, " "); got != want {
		t.Errorf("the command of the sandbox is %s, and magefiles start %s", got, want)
	}
}

// TestTargetsAreGenerated compares the targets of tasks/mage with the table.
func TestTargetsAreGenerated(t *testing.T) {
	text, err := Targets(Table())
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join("..", "..", "tasks", "mage", "targets.go"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), string(text)); diff != "" {
		t.Errorf("tasks/mage/targets.go is stale (-have +want); go generate ./tasks/mage writes it\n%s", diff)
	}
}

// TestTargetNames looks for each target that docs/commands.md names among the functions that
// mage finds.
func TestTargetNames(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "tasks", "mage", "targets.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			name := lower(function.Name.Name)
			if function.Recv != nil {
				name = lower(fmt.Sprint(function.Recv.List[0].Type)) + ":" + name
			}
			have[name] = true
		}
	}
	for _, c := range Table() {
		if name := c.targetName(Table()); c.Task.run != nil && !have[name] {
			t.Errorf("slipway %s: mage finds no target %s", c.Name, name)
		}
	}
}

// TestCommandsAreDocumented compares docs/commands.md with the table.
func TestCommandsAreDocumented(t *testing.T) {
	const begin, end = "<!-- commands: made by go test ./internal/command -update -->\n", "\n<!-- end of commands -->\n"
	text := listing(Table())
	for _, line := range strings.Split(text, "\n") {
		if len(line) >= 120 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	file := filepath.Join("..", "..", "docs", "commands.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), begin)
	have, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatalf("%s has no place between %q and %q", file, begin, end)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+text+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(have, text); diff != "" {
		t.Errorf("%s is stale (-have +want); -update writes it\n%s", file, diff)
	}
}

// TestManual checks that each command has a page with its flags and examples, and that
// man takes no text on it for a request.
func TestManual(t *testing.T) {
	pages := Manual(Table())
	for _, c := range Table() {
		if c.Task.run == nil {
			continue
		}
		page := pages[pageName(c.Name)+".1"]
		for _, f := range append(c.shared(sharedFlags()), c.Task.flags...) {
			if !strings.Contains(page, escape(f.label())) {
				t.Errorf("the page of %s does not show %s", c.Name, f.label())
			}
		}
		for _, example := range c.Examples {
			if !strings.Contains(page, "\n"+escape(example)+"\n") {
				t.Errorf("the page of %s does not show %s", c.Name, example)
			}
		}
		if !strings.Contains(pages["slipway.1"], escape("slipway "+c.usage())) {
			t.Errorf("slipway(1) does not list %s", c.Name)
		}
	}
	requests := []string{".TH ", ".SH ", ".SS ", ".TP", ".B ", ".nf", ".fi"}
	for name, page := range pages {
		for _, line := range strings.Split(page, "\n") {
			known := func(request string) bool { return strings.HasPrefix(line, request) }
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !slices.ContainsFunc(requests, known) {
				t.Errorf("%s: man reads this line as a request: %s", name, line)
			}
		}
	}
}
