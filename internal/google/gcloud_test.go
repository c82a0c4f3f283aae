package google_test

import (
	"bufio"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestGcloudReference compares each command of gcloud that the pages and the messages name with
// gcloud's reference, so that a misspelt command or flag is found where there is no gcloud.
func TestGcloudReference(t *testing.T) {
	known := gcloudReference(t)
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	check := func(at, line string) {
		command, wrong := unknownWord(known, line)
		if seen[command] = true; wrong != "" {
			t.Errorf("%s: %s: gcloud has no %s", at, line, wrong)
		}
	}
	for _, page := range append(pages, "../../README.md") {
		for _, line := range gcloudCommands(t, page) {
			check(page, line)
		}
	}
	sources, set := testenv.Sources(t)
	for _, file := range sources {
		ast.Inspect(file.File, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok {
				for _, found := range inline.FindAllStringSubmatch(text.Value, -1) {
					check(set.Position(text.Pos()).String(), found[1])
				}
			}
			return true
		})
	}
	for command := range known {
		if command != "gcloud" && !seen[command] {
			t.Errorf("testdata/gcloud.txt has %s, which nothing names", command)
		}
	}
	for line, want := range map[string]string{
		"gcloud iam workload-identity-pools create ci --locatio=global":      "--locatio",
		"gcloud iam workload-identity-pools providers make-oidc a":           "command that begins so",
		"gcloud projects describe P --role=a":                                "--role",
		"gcloud projects describe P --format='value(projectNumber)'":         "",
		"gcloud iam service-accounts keys create key.json --iam-account=A@B": "",
	} {
		if _, wrong := unknownWord(known, line); wrong != want {
			t.Errorf("%s: found %q, want %q", line, wrong, want)
		}
	}
}

// gcloudReference returns the flags of each command of testdata/gcloud.txt.
func gcloudReference(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("testdata/gcloud.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	known := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			command, flags, _ := strings.Cut(line, " --")
			known[command] = strings.Fields("--" + flags)
		}
	}
	return known
}

// unknownWord returns the command of a line, and what gcloud does not have in the line.
func unknownWord(known map[string][]string, line string) (command, wrong string) {
	words := strings.Fields(line)
	for n := len(words); n > 1 && command == ""; n-- {
		if name := strings.Join(words[:n], " "); known[name] != nil {
			command = name
		}
	}
	if command == "" {
		return "", "command that begins so"
	}
	for _, word := range words {
		flag, _, _ := strings.Cut(word, "=")
		if strings.HasPrefix(flag, "--") && flag != "--" && !slices.Contains(known[command], flag) && !slices.Contains(known["gcloud"], flag) {
			return command, flag
		}
	}
	return command, ""
}

var (
	// continued matches the end of a line that a shell continues, with the next one's indent.
	continued = regexp.MustCompile(`\\\n *`)
	inline    = regexp.MustCompile("`(gcloud [a-z][^`]*)`")
	indented  = regexp.MustCompile(`(?m)^    (gcloud .*)$`)
)

// gcloudCommands returns the commands of gcloud on a page, from its blocks and then its text.
func gcloudCommands(t *testing.T, page string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []*regexp.Regexp{indented, inline} {
		for _, found := range form.FindAllStringSubmatch(continued.ReplaceAllString(string(text), ""), -1) {
			commands = append(commands, strings.Join(strings.Fields(found[1]), " "))
		}
	}
	return commands
}
