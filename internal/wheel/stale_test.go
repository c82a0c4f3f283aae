package wheel

import (
	"strings"
	"testing"
)

// The project, and its lock as uv 0.13.9 writes it.
const (
	projectText = `[project]
name = "P.2"
version = "1"
requires-python = ">=3.10,<3.14"
dependencies = ["ab>=1,<2", "cd ; sys_platform=='win32' or python_version<'3.12'", "EF[x, y]~=1.0 ; platform_machine != 'arm64'", "foo", "gh (>=1)"]
[project.optional-dependencies]
GPU = ["kl==1", "mn ; python_version >= '3.9'"]
[dependency-groups]
dev = ["op>=1"]
Train_Group = ["ij", {include-group = "dev"}]
[tool.uv.sources]
foo = {path = "lib/foo", editable = true}
`
	lockText = `version = 1
requires-python = ">=3.10, <3.14"

[[package]]
name = "p-2"
version = "1"
source = { virtual = "." }

[package.metadata]
requires-dist = [
    { name = "ab", specifier = ">=1,<2" },
    { name = "cd", marker = "python_full_version < '3.12' or sys_platform == 'win32'" },
    { name = "ef", extras = ["x", "y"], marker = "platform_machine != 'arm64'", specifier = "~=1.0" },
    { name = "foo", editable = "lib/foo" },
    { name = "gh", specifier = ">=1" },
    { name = "kl", marker = "extra == 'gpu'", specifier = "==1" },
    { name = "mn", marker = "python_full_version >= '3.9' and extra == 'gpu'" },
]
provides-extras = ["gpu"]

[package.metadata.requires-dev]
dev = [{ name = "op", specifier = ">=1" }]
train-group = [
    { name = "ij" },
    { name = "op", specifier = ">=1" },
]
`
)

func TestStale(t *testing.T) {
	s := Spec{Dir: t.TempDir(), Lock: "uv.lock"}
	write(t, s.Dir, "uv.lock", lockText)
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{`"ab>=1,<2"`, `"ab <2, >=1"`, ""},
		{`version = "1"`, `version = "2"`, ""},
		{`"ab>=1,<2"`, `"ab>=1,<3"`, "ab<3,>=1 was added; ab<2,>=1 was removed"},
		{`"gh (>=1)"`, `"gh (>=1)", "requests"`, "requests was added"},
		{`"foo", `, ``, "foo was removed"},
		{`sys_platform=='win32'`, `sys_platform=='darwin'`, "cd has another marker"},
		{`"kl==1"`, `"kl==2"`, "kl==2 was added; kl==1 was removed"},
		{`GPU = ["kl==1", `, `TPU = ["kl==1"]` + "\nGPU = [", "kl==1 has another marker"},
		{`dev = ["op>=1"]`, `dev = []`, "op>=1 in the group dev was removed; op>=1 in the group train-group was removed"},
		{`>=3.10,<3.14`, `>=3.11`, "requires-python is >=3.11 and was >=3.10, <3.14"},
		{`version = "1"`, `version = "1"` + "\ndynamic = [\"dependencies\"]", ""},
	} {
		text := strings.Replace(projectText, c.from, c.to, 1)
		if text == projectText && c.from != c.to {
			t.Fatalf("%q is not there", c.from)
		}
		write(t, s.Dir, "pyproject.toml", text)
		if got := Stale(s); got != c.want {
			t.Errorf("%s -> %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
	s.Lock = "lock.txt"
	if got := Stale(s); got != "" {
		t.Errorf("another lock: %q", got)
	}
}
