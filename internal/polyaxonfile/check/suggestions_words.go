package check

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// wordAliases maps words that people write to Polyaxon's words.
func wordAliases() map[string]string {
	return map[string]string{
		"success": "succeeded", "successful": "succeeded", "ok": "succeeded", "passed": "succeeded", "failure": "failed", "error": "failed", "errored": "failed",
		"finished": "done", "complete": "done", "completed": "done", "finish": "done", "cancelled": "stopped", "canceled": "stopped", "aborted": "stopped",
		"pending": "queued", "all_success": "all_succeeded", "one_success": "one_succeeded", "all_failure": "all_failed", "max": "maximize", "min": "minimize",
		"maximum": "maximize", "minimum": "minimize", "merge": "post_merge", "append": "post_merge", "prepend": "pre_merge",
	}
}

// suggestWord returns the one of words that is probably meant by another word.
func suggestWord(written string, words []string) (string, bool) {
	bare, prefix := strings.ToLower(written), ""
	if rest, ok := strings.CutPrefix(bare, "run_status_"); ok {
		bare, prefix = rest, "run_status_"
	}
	if meant, ok := wordAliases()[bare]; ok && slices.Contains(words, prefix+meant) {
		return prefix + meant, true
	}
	return source.Nearest(written, words)
}

// kindAliases maps what people call a kind of run, matrix or search space to Polyaxon's
// name.
func kindAliases() map[string]string {
	return map[string]string{
		"pod": "job", "experiment": "job", "container": "job", "task": "job", "build": "job", "batch": "job", "script": "job",
		"deployment": "service", "notebook": "service", "jupyter": "service", "server": "service", "app": "service", "tensorboard": "service",
		"pipeline": "dag", "workflow": "dag", "tensorflow": "tfjob", "pytorch": "pytorchjob", "torch": "pytorchjob", "horovod": "mpijob", "mpi": "mpijob",
		"gridsearch": "grid", "randomsearch": "random", "bayesian": "bayes", "bo": "bayes", "hyperopt": "tpe", "values": "choice", "categorical": "choice", "int": "range", "float": "uniform",
		"loguniform_values": "loguniform", "crontab": "cron", "every": "interval", "date": "datetime",
	}
}

// suggestKind returns the kind of a union that is probably meant by another name.
func suggestKind(written string, kinds []string) (string, bool) {
	bare := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(written))
	for _, kind := range []string{bare, kindAliases()[bare]} {
		if slices.Contains(kinds, kind) {
			return kind, true
		}
	}
	return source.Nearest(written, kinds)
}

// fileKindHint returns a hint for a file whose kind does not exist.
func fileKindHint(root map[string]any) string {
	kind, _ := root["kind"].(string)
	if near, ok := source.Nearest(kind, []string{"component", "operation"}); ok {
		return "did you mean " + near + "?"
	}
	if tables, err := schema.Load(); err == nil && kind != "" {
		if meant, ok := suggestKind(kind, tables.Union("run").Names(schema.Version{})); ok {
			return "write kind: component here, and kind: " + meant + " in run"
		}
		if _, here, _ := tables.Union("matrix").Find(kind, schema.Version{}); here {
			return "write kind: operation here, and kind: " + kind + " in matrix"
		}
	}
	return ""
}

var (
	spelledList = lazyregexp.New(`(?i)^(?:list|array|sequence|tuple|set)\s*(?:\[|<|\(|\s+of\s+)\s*(\w+)\s*[\])>]?$`)
	spelledDict = lazyregexp.New(`(?i)^(?:dict|map|mapping)\s*[\[<].*[\]>]$`)
)

// suggestType returns a hint for an input type that does not exist.
func suggestType(written string, types []string) string {
	others := map[string]string{
		"integer": "int", "number": "float", "double": "float", "real": "float", "decimal": "float", "string": "str", "text": "str", "boolean": "bool", "logical": "bool",
		"array": "list", "tuple": "list", "object": "dict", "map": "dict", "mapping": "dict", "json": "dict", "url": "uri", "directory": "path", "dir": "path", "timestamp": "datetime",
		"time": "datetime", "docker_image": "image", "dockerimage": "image", "choice": "str with options", "enum": "str with options", "secret": "str", "password": "str",
	}
	known := func(name string) (string, bool) {
		name = strings.ToLower(strings.TrimSpace(name))
		if slices.Contains(types, name) {
			return name, true
		}
		meant, ok := others[name]
		return meant, ok
	}
	if m := spelledList.FindStringSubmatch(written); m != nil {
		element, ok := known(m[1])
		if !ok {
			element = "str"
		}
		return "write type: " + element + " and isList: true"
	}
	if strings.HasSuffix(written, "[]") {
		if element, ok := known(strings.TrimSuffix(written, "[]")); ok {
			return "write type: " + element + " and isList: true"
		}
	}
	if spelledDict.MatchString(written) {
		return "write type: dict"
	}
	if meant, ok := known(written); ok {
		return "did you mean " + meant + "?"
	}
	if near, ok := source.Nearest(written, types); ok {
		return "did you mean " + near + "?"
	}
	return ""
}
