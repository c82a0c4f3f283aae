package file

import (
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	const component = "kind: component\nversion: 1.1\nrun:\n  kind: job\n  environment:\n    nodeName: x\n  container:\n    image: a\n    env:\n      - {name: A, value: b}\n"
	operation := "kind: operation\nversion: 1.1\nparams:\n  x: {value: 1}\ncomponent:\n" + indent(component)
	for _, test := range []struct {
		text, path, want string
	}{
		{component, "component.run.0.environment.nodeName", "f:6:5"},
		{component, "run.environment.nodeName", "f:6:5"},
		{component, "run.job.container.env.0.value", "f:10:19"},
		{component, "component.run.missing", "f:3:1"},
		{component, "params.x.value", ""},
		{component, "component.nothing", ""},
		{operation, "component.run.0.environment.nodeName", "f:11:7"},
		{operation, "run.environment.nodeName", "f:11:7"},
		{operation, "params.x.value", "f:4:7"},
	} {
		f, problems := Load("f", []byte(test.text))
		if err := Errors(problems); err != nil {
			t.Fatal(err)
		}
		at, ok := f.Locate(strings.Split(test.path, "."))
		if got := at.String(); got != test.want || ok != (test.want != "") {
			t.Errorf("%s stands at %q, %t; want %q", test.path, got, ok, test.want)
		}
	}
	f, problems := Load("f", []byte(component))
	if err := Errors(problems); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"nodeName": "f:6:5", "kind": "", "nothing": "", "image": "f:8:5"} {
		if at, ok := f.LocateKey(key); at.String() != want && ok || ok != (want != "") {
			t.Errorf("key %s stands at %s, %t", key, at, ok)
		}
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
