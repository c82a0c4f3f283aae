package check

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/source"
)

// kinds0 are the kinds of files in Polyaxon 0.x.
var kinds0 = []string{"experiment", "group", "notebook", "tensorboard", "build", "job", "pipeline", "project", "plugin"}

// keys0 are the outermost keys that only Polyaxon 0.x has. Keys that later versions use
// for something else are left out.
var keys0 = []string{"hptuning", "framework", "declarations", "settings", "logging", "backend", "model", "train", "eval", "project"}

// IsVersion0 reports whether the file is for Polyaxon 0.x. No later version accepts such
// a file.
func IsVersion0(f *file.File) bool {
	kind, _ := f.Root()["kind"].(string)
	if kind == "component" || kind == "operation" {
		return false
	}
	if slices.ContainsFunc(keys0, func(key string) bool { return f.Root()[key] != nil }) {
		return true
	}
	run, _ := f.Root()["run"].(map[string]any)
	_, isRun1 := run["kind"]
	_, hasCommand := run["cmd"]
	number, isNumber := numeric(f.Root()["version"])
	old := isNumber && number <= 1 || f.Root()["version"] == "1"
	switch {
	case isRun1 || run["container"] != nil:
		return false
	case hasCommand:
		return true
	}
	return old && (slices.Contains(kinds0, kind) || kind == "" && f.Root()["build"] != nil)
}

// version0 returns the single problem of a file for Polyaxon 0.x.
func version0(f *file.File) file.Problem {
	key := "kind"
	if f.Root()[key] == nil {
		key = "version"
	}
	var write []string
	kind, _ := f.Root()["kind"].(string)
	switch {
	case kind == "group" || f.Root()["hptuning"] != nil || valueAt(f, "settings", "matrix") != nil:
		write = append(write, "kind: operation with matrix for hptuning, and component in it")
	case kind == "notebook" || kind == "tensorboard":
		write = append(write, "kind: component with run: {kind: service}")
	default:
		write = append(write, "kind: component with run: {kind: job, container: ...}")
	}
	if valueAt(f, "run", "cmd") != nil || valueAt(f, "job", "cmd") != nil {
		write = append(write, "command and args of the container for cmd")
	}
	if f.Root()["build"] != nil {
		write = append(write, "images of slipway.yaml for build")
	}
	if f.Root()["params"] != nil || f.Root()["declarations"] != nil {
		write = append(write, "inputs for params")
	}
	if valueAt(f, "environment", "resources") != nil {
		write = append(write, "resources: {requests, limits} of the container, with nvidia.com/gpu for gpu")
	}
	if valueAt(f, "environment", "node_selector") != nil || valueAt(f, "environment", "tolerations") != nil || valueAt(f, "environment", "affinity") != nil {
		write = append(write, "nodeSelector, tolerations and affinity in run.environment")
	}
	for _, key := range []string{"data_refs", "artifact_refs", "persistence", "outputs"} {
		if valueAt(f, "environment", key) != nil {
			write = append(write, "connections in run for "+key)
			break
		}
	}
	return file.Problem{
		Error: source.Error{
			Position: f.At(key), Message: "this is a file for Polyaxon 0.x, which Polyaxon 1.0 and later do not support",
			Hint: "write version: 1.1, " + strings.Join(write, ", "),
		},
		Stage: file.StageSubmit, Severity: file.SeverityError, Name: "polyaxon-0", Path: []string{key},
	}
}

// valueAt returns the value at a path of keys, or nil when there is none.
func valueAt(f *file.File, path ...string) any {
	var value any = f.Root()
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}
