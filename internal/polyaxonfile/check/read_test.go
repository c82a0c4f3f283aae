package check

import (
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "f.yml:1:1: is empty",
		"a: [":                             "f.yml:1:5: the bracket [ of line 1 is not closed",
		"a\x00":                            "f.yml:1:1: is not valid UTF-8",
		"- a\n":                            "f.yml:1:1: must be a mapping with kind: component or kind: operation",
		"kind: thing\n":                    "f.yml:1:7: kind must be component or operation, not \"thing\"",
		"kind: component\n":                "f.yml:1:1: the component needs run",
		"run: {kind: jab}\n":               "f.yml:1:13: unknown kind of run: jab (did you mean job?)",
		"run: {}\n":                        "f.yml:1:6: run needs kind (a program that ends is a job, one that serves a service)",
		"name: a b\nrun: {kind: job}\n":    "f.yml:1:7: \"a b\" is not a valid name (use letters, digits, - and _)",
		"run: {kind: job, containr: {}}\n": "f.yml:1:18: run has no key containr (did you mean container?)",
		"run: {kind: job, container: {imagee: x}}\n":                        "f.yml:1:30: run.container has no key imagee (did you mean image?)",
		"run: {kind: job, container: {env: {A: b}}}\n":                      "f.yml:1:35: run.container.env must be a list, not a mapping (write each as - {name: NAME, value: \"VALUE\"})",
		"run: {kind: job, container: {command: {a: b}}}\n":                  "f.yml:1:39: run.container.command must be a list, not a mapping",
		"run: {kind: job, container: {resources: {limits: {cpu: lots}}}}\n": "f.yml:1:56: run.container.resources.limits.cpu is not a valid quantity: lots (write it as 500m, 2, 512Mi or 4Gi)",
		"run: {kind: job}\nrun: {kind: job}\n":                              "f.yml:2:1: duplicate key run (remove one of them; Polyaxon would silently use the last)",
		"inputs: [{name: x, type: itn}]\nrun: {kind: job}\n":                "f.yml:1:26: unknown input or output type itn (did you mean int?)",
		"kind: operation\nhubRef: x\n":                                      "f.yml:2:9: hubRef is not resolved (servers do not resolve it: name a file that slipway reads, or put the component here)",
		"kind: operation\n":                                                 "f.yml:1:1: an operation needs a component, or a pathRef to one",
		"run: {kind: job}\n---\nrun: {kind: job}\n":                         "f.yml:2:1: has a second document (---); only one is allowed (split it into two files)",
	} {
		if _, err := Parse("f.yml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q:\nhave %v\nwant %s", text, err, want)
		}
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for letter := 'b'; letter < 'j'; letter++ {
		bomb += string(letter) + ": &" + string(letter) + " [" + strings.Repeat("*"+string(letter-1)+", ", 9) + "*" + string(letter-1) + "]\n"
	}
	if _, err := Parse("f.yml", []byte(bomb)); err == nil {
		t.Error("an alias bomb was read")
	}
	if _, err := Parse("f.yml", []byte(strings.Repeat("{a: ", 5000))); err == nil {
		t.Error("a deep file was read")
	}
}
