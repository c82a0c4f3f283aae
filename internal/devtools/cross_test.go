package devtools

import (
	"os"
	"strings"
	"testing"
)

// TestCrossFindsErrors finds an error in the body of a function that one system has.
func TestCrossFindsErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":            "module m\n\ngo 1.26\n",
		"a.go":              "package m\n\nimport \"strings\"\n\nvar _ = strings.ToLower\n",
		"a_windows.go":      "package m\n\nfunc f() int { return \"text\" }\n",
		"a_arm64.go":        "package m\n\nimport \"no/such/package\"\n\nvar _ = package.X\n",
		"a_darwin_test.go":  "package m\n\nvar _ int = nil\n",
		"b/b_linux_test.go": "package b_test\n\nvar _ int = nil\n",
		"b/b.go":            "package b\n",
	} {
		if dir, _, ok := strings.Cut(name, "/"); ok {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for system, want := range map[string]string{
		"windows/amd64": "a_windows.go:3:23: cannot use",
		"darwin/amd64":  "a_darwin_test.go:3:13: cannot use",
		"linux/amd64":   "b_linux_test.go:3:13: cannot use",
		"linux/arm64":   "a_arm64.go:5:9: ",
	} {
		os, arch, _ := strings.Cut(system, "/")
		if err := checkTypes(t.Context(), os, arch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", system, err)
		}
	}
}
