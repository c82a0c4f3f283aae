package main

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// TestTargets checks that the binary's commands and the magefile's targets are the same.
func TestTargets(t *testing.T) {
	// Only the binary has shells' completions, help topics and the command of action.yml. Only the magefile has the
	// targets for developing slipway.
	onlyBinary := []string{"action", "completion", "exit-codes", "help"}
	onlyMage := []string{"bench", "cross", "digests", "fuzz", "lint", "release", "test"}

	runs := map[string]bool{} // the commands that have a task
	for _, c := range command.Table() {
		runs[c.Name] = !reflect.ValueOf(c.Task).IsZero()
	}
	commands := []string{}
	var walk func(*cobra.Command, string)
	walk = func(c *cobra.Command, prefix string) {
		for _, sub := range c.Commands() {
			switch name := prefix + sub.Name(); {
			case slices.Contains(onlyBinary, name):
			case sub.HasSubCommands() && runs[name]: // mage cannot have a target and a namespace of one name
				commands = append(commands, name)
				walk(sub, name)
			case sub.HasSubCommands():
				walk(sub, name+":")
			default:
				commands = append(commands, name)
			}
		}
	}
	walk(root(cli.Open(), command.Table(), io.Discard), "")
	sort.Strings(commands)

	targets := []string{}
	for _, path := range []string{"../../magefile.go", "../../tasks/mage/targets.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			name := strings.ToLower(function.Name.Name)
			if function.Recv != nil {
				name = strings.ToLower(function.Recv.List[0].Type.(*ast.Ident).Name) + ":" + name
			}
			if !slices.Contains(onlyMage, name) {
				targets = append(targets, name)
			}
		}
	}
	sort.Strings(targets)
	if !slices.Equal(commands, targets) {
		t.Errorf("the binary has\n%v\nand the magefile has\n%v", commands, targets)
	}
}

// TestReadmeCommands checks that every command that the README names exists.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := root(cli.Open(), command.Table(), io.Discard)
	for _, m := range regexp.MustCompile("(?m)^    slipway ([a-z]+)|`slipway ([a-z]+)").FindAllSubmatch(text, -1) {
		name := string(m[1]) + string(m[2])
		if c, _, err := known.Find([]string{name}); name != "help" && (err != nil || c == known) {
			t.Errorf("the README names the command %s, which there is not", name)
		}
	}
}

// TestDependencies checks the list of direct dependencies, with the reason for each.
func TestDependencies(t *testing.T) {
	want := map[string]string{
		"github.com/moby/patternmatcher":         ".dockerignore, by Docker's own rules",
		"github.com/Microsoft/go-winio":          "Docker's named pipe on Windows",
		"github.com/ProtonMail/go-crypto":        "OpenPGP: the signatures of Debian's repositories",
		"github.com/ulikunitz/xz":                "the compression of Debian's packages",
		"github.com/containerd/containerd/api":   "the service by which BuildKit hands over an image",
		"github.com/gofrs/flock":                 "locks between processes, on every system",
		"github.com/google/go-cmp":               "readable differences in tests",
		"github.com/google/go-containerregistry": "OCI images and registries",
		"github.com/google/shlex":                "words of the action's inputs, as a shell splits them",
		"github.com/gorilla/websocket":           "the sandbox's Kubernetes: ports over WebSocket, for kubectl port-forward",
		"github.com/klauspost/compress":          "gzip faster than the standard library's",
		"github.com/magefile/mage":               "targets",
		"github.com/pelletier/go-toml/v2":        "Python's locks",
		"github.com/moby/buildkit":               "images of Dockerfiles",
		"github.com/opencontainers/image-spec":   "the names of OCI annotations",
		"github.com/rogpeppe/go-internal":        "testscript, and diffs for plan",
		"github.com/spf13/cobra":                 "the command line",
		"github.com/tonistiigi/fsutil":           "what BuildKit takes a build's context for",
		"go.yaml.in/yaml/v3":                     "YAML with positions",
		"golang.org/x/crypto":                    "an SSH agent, in tests",
		"golang.org/x/net":                       "the pages of Python's indexes, and what proxies are for",
		"golang.org/x/oauth2":                    "the tokens of each kind of credentials of Google",
		"golang.org/x/sync":                      "errgroup",
		"golang.org/x/sys":                       "namespaces and mounts",
		"golang.org/x/term":                      "whether somebody looks",
		"golang.org/x/text":                      "how many columns a character takes",
		"golang.org/x/tools":                     "types for every system, without machine code",
		"google.golang.org/grpc":                 "what BuildKit's sessions are served with",
		"gopkg.in/evanphx/json-patch.v4":         "the sandbox's Kubernetes: JSON patches, as the API server's",
		"k8s.io/api":                             "Kubernetes' types",
		"k8s.io/apimachinery":                    "Kubernetes' errors, and server-side apply for the sandbox",
		"k8s.io/client-go":                       "the Kubernetes client",
		"k8s.io/klog/v2":                         "the log of the Kubernetes client, which is turned off",
		"k8s.io/kube-openapi":                    "the types of Kubernetes' objects: field managers of the sandbox's Kubernetes",
		"sigs.k8s.io/cli-utils":                  "kstatus: whether an object of Kubernetes is rolled out",
		"sigs.k8s.io/structured-merge-diff/v6":   "the fields that a field manager of Kubernetes has set",
		"sigs.k8s.io/yaml":                       "YAML as Kubernetes reads it: manifests, and the sandbox's Kubernetes",
	}
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") && !strings.Contains(scanner.Text(), "indirect") {
			have[fields[0]] = true
		}
	}
	for module := range have {
		if want[module] == "" {
			t.Errorf("%s is a new direct dependency: write here what it is for", module)
		}
	}
	for module := range want {
		if !have[module] {
			t.Errorf("%s is no direct dependency any more", module)
		}
	}
}
