package devtools

import (
	"debug/elf"
	"strings"
	"testing"
)

// checkProgram checks that a program needs no library of the machine, and has neither symbols nor debug
// information.
func checkProgram(t *testing.T, path string) {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%s needs %v, %v", path, libraries, err)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("%s is linked dynamically: %v", path, part.Type)
		}
	}
	for _, section := range program.Sections {
		if section.Name == ".symtab" || strings.Contains(section.Name, "debug") {
			t.Errorf("%s is not stripped: it has %s", path, section.Name)
		}
	}
}
