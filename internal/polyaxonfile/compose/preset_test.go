package compose

import "testing"

func TestPatch(t *testing.T) {
	for _, test := range []struct{ preset, want string }{
		{"isPreset: true\nqueue: b\ntags: [c]", `{"kind":"operation","queue":"b","tags":["a","c"]}`},
		{"patchStrategy: replace\ntags: [c]", `{"kind":"operation","patchStrategy":"replace","queue":"a","tags":["c"]}`},
		{"patchStrategy: pre_merge\nqueue: b\ntags: [c]", `{"kind":"operation","patchStrategy":"pre_merge","queue":"a","tags":["c","a"]}`},
	} {
		if got, err := Patch([]byte("kind: operation\nqueue: a\ntags: [a]"), []byte(test.preset)); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v", test.preset, got, err)
		}
	}
	if _, err := Patch([]byte("kind: operation"), []byte("{")); err == nil {
		t.Error("a preset that is not YAML was applied to an operation")
	}
}
