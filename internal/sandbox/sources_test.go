package sandbox_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// opening lists the functions that open files by path, by package.
func opening() map[string][]string {
	return map[string][]string{
		"os": {
			"Open", "OpenFile", "OpenRoot", "OpenInRoot", "ReadFile", "WriteFile", "Create", "CreateTemp", "DirFS", "CopyFS", "ReadDir", "Stat", "Lstat", "Readlink",
			"Mkdir", "MkdirAll", "MkdirTemp", "Remove", "RemoveAll", "Rename", "Symlink", "Link", "Chmod", "Chown", "Lchown", "Chtimes", "Truncate",
		},
		"filepath": {"Walk", "WalkDir", "Glob", "EvalSymlinks"},
		"ioutil":   {"ReadFile", "WriteFile", "ReadDir", "TempFile", "TempDir"},
		"syscall":  {"Open", "Mkdir", "Unlink", "Rename", "Creat"},
		"http":     {"ServeFile", "Dir", "ServeFileFS"},
	}
}

// reaching lists the files of this package and the packages below it that may open files
// by path, with the reason: none of these paths is in a directory that a container can
// write. All other code must use package jail.
func reaching() map[string]string {
	return map[string]string{
		"jail":                        "it is the way to what containers can write",
		"disk":                        "the server's own state, which is mounted nowhere",
		"registry":                    "the server's own state, which is mounted nowhere",
		"kubernetes/objects.go":       "the server's own state, which is mounted nowhere",
		"polyaxon/archive1113.go":     "the server's own state, which is mounted nowhere",
		"sandbox.go":                  "the sandbox's own directory, which is mounted nowhere",
		"check.go":                    "the sandbox's own directory, before there is a sandbox",
		"endpoint.go":                 "the name of the sandbox's own directory",
		"serve.go":                    "the sandbox's own directory, which is mounted nowhere",
		"trust.go":                    "the names in the sandbox's own directory",
		"join.go":                     "the sandbox's own directory, which is mounted nowhere",
		"container/tree.go":           "it opens the root that all else is done in",
		"container/image.go":          "unpacked images, which containers see below an overlay; what containers wrote is removed in a root",
		"container/content.go":        "unpacked layers, which containers see below an overlay",
		"container/flush_linux.go":    "unpacked layers, which containers see below an overlay",
		"container/listing.go":        "unpacked layers, which containers see below an overlay",
		"container/prune.go":          "unpacked layers, which containers see below an overlay",
		"container/store.go":          "unpacked layers, which containers see below an overlay",
		"container/scratch.go":        "a container's scratch directory, of which it sees what is in upper only",
		"container/direct.go":         "nothing is isolated there",
		"container/process.go":        "/dev/null",
		"container/isolated_linux.go": "this program itself",
		"container/probe_linux.go":    "directories of its own, and settings of the kernel",
		"container/socket_linux.go":   "a directory of a container's scratch directory that it does not see",
		"container/system_linux.go":   "counters of the kernel",
		"container/cgroup_linux.go":   "the kernel's control groups, which containers do not see",
		"container/memory_linux.go":   "what the kernel tells of processes",
		"container/init_linux.go":     "it is in the container, and sees nothing else",
		"container/build_linux.go":    "it is in the container, and sees nothing else",
		"container/mount_linux.go":    "it is in the container, or resolves beneath the source of a mount",
	}
}

// TestSourcesReachFilesInOneWay checks that code that may meet files written by
// containers uses package jail.
func TestSourcesReachFilesInOneWay(t *testing.T) {
	used := map[string]bool{}
	all, set := testenv.Sources(t)
	for _, file := range all {
		path, within := strings.CutPrefix(file.Path, "internal/sandbox/")
		if !within || strings.HasPrefix(path, "sandboxtest/") {
			continue
		}
		allowed := ""
		for _, name := range []string{path, strings.Split(path, "/")[0]} {
			if reaching()[name] != "" {
				allowed = name
			}
		}
		ast.Inspect(file.File, func(node ast.Node) bool {
			call, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := call.X.(*ast.Ident)
			if !ok || !slices.Contains(opening()[of.Name], call.Sel.Name) {
				return true
			}
			if used[allowed] = true; allowed == "" {
				t.Errorf("%s: %s.%s reaches a file by its path: use package jail for what containers can write, package disk for the server's own state",
					set.Position(call.Pos()), of.Name, call.Sel.Name)
			}
			return true
		})
	}
	for name := range reaching() {
		if !used[name] {
			t.Errorf("%s reaches no file any more", name)
		}
	}
}
