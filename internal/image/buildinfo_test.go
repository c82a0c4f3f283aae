package image

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildInfo compares what is read from programs with what debug/buildinfo reads, wherever
// the information stands.
func TestBuildInfo(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := buildinfo.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	got, err := buildInfo(own)
	if err != nil || got.String() != want.String() {
		t.Fatalf("got %v, %v\nwant %v", got, err, want)
	}
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(text), buildInfoMagic)
	for n := at; n >= 0; n = strings.LastIndex(string(text[:n]), buildInfoMagic) {
		if n+buildInfoHeader <= len(text) && isHeader(n, text[n:]) {
			at = n
		}
	}
	path := filepath.Join(t.TempDir(), "program")
	for name, program := range map[string]string{
		"at the beginning": string(text[at:]), "over the end of a block": strings.Repeat("x", 1<<20-16) + string(text[at:]),
		"after a text that is aligned":  buildInfoMagic + strings.Repeat("x", 18) + string(text[at:]),
		"after one that is not aligned": strings.Repeat("x", 3) + buildInfoMagic + strings.Repeat("x", 1<<20-17) + string(text[at:]),
	} {
		if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := buildInfo(path); err != nil || got.String() != want.String() {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for name, program := range map[string]string{
		"nothing": "", "text": strings.Repeat("text ", 1<<20), "cut": buildInfoMagic, "cut in the header": buildInfoMagic + "\x08\x02", "of an old Go": buildInfoMagic + strings.Repeat("\x00", 100),
		"too long": buildInfoMagic + "\x08\x02" + strings.Repeat("\x00", 16) + strings.Repeat("\xff", 9) + "\x01", "cut in the modules": string(text[at : at+200]),
	} {
		if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := buildInfo(path); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
