package release

import (
	"errors"
	"strings"
	"testing"
)

// TestDigests writes and reads digests, and compares programs and sources with them.
func TestDigests(t *testing.T) {
	sum := func(digit string) string { return strings.Repeat(digit, 64) }
	platforms := []string{"linux/amd64", "windows/arm64"}
	var all Digests
	all = all.Replace("v1.2.2", sum("1"), platforms, map[string]string{"linux/amd64": sum("2"), "windows/arm64": sum("3")})
	all = all.Replace("v1.2.3", sum("9"), platforms, map[string]string{"linux/amd64": sum("9"), "windows/arm64": sum("9")})
	all = all.Replace("v1.2.3", sum("4"), platforms, map[string]string{"linux/amd64": sum("5"), "windows/arm64": sum("6")})
	want := digestsHeader + sum("4") + "  v1.2.3/sources\n" + sum("5") + "  v1.2.3/linux/amd64\n" + sum("6") + "  v1.2.3/windows/arm64\n" +
		sum("1") + "  v1.2.2/sources\n" + sum("2") + "  v1.2.2/linux/amd64\n" + sum("3") + "  v1.2.2/windows/arm64\n"
	if all.String() != want {
		t.Error(all.String())
	}
	read, err := ParseDigests(want)
	if err != nil || read.String() != want {
		t.Error(err, read)
	}
	program := &Program{Source: Source{Version: "v1.2.3"}, OS: "linux", Arch: "amd64", SHA256: sum("5")}
	if err := errors.Join(read.CheckProgram(program), read.CheckSources("v1.2.2", sum("1"))); err != nil {
		t.Error(err)
	}
	program.SHA256 = sum("2")
	if err := read.CheckProgram(program); err == nil || errors.Is(err, ErrNoDigest) || !strings.Contains(err.Error(), sum("5")) {
		t.Error(err)
	}
	program.Version = "v1.2.4"
	if err := read.CheckProgram(program); !errors.Is(err, ErrNoDigest) {
		t.Error(err)
	}
	for _, line := range []string{"x", sum("1") + " v1.2.3/sources", sum("1")[1:] + "  v1.2.3/sources", sum("1") + "  1.2.3/sources", sum("1") + "  ../x/sources", ""} {
		if _, err := ParseDigests(line + "\n"); err == nil {
			t.Errorf("%q is a line of digests", line)
		}
	}
	if committed, err := ReadDigests("../.."); err != nil || !strings.HasPrefix(committed.String(), digestsHeader) {
		t.Error(err)
	}
}
