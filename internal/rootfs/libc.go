package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The C libraries that Python's platform tags tell apart: manylinux and musllinux.
const (
	Glibc = "glibc"
	Musl  = "musl"
)

// Libc is a C library. Versions are 2.Minor of glibc, 1.Minor of musl.
type Libc struct {
	Name  string `json:"name"`
	Minor int    `json:"minor"`
}

// String gives the name with the version, such as glibc 2.36.
func (c Libc) String() string {
	switch c.Name {
	case Glibc:
		return fmt.Sprintf("glibc 2.%d", c.Minor)
	case Musl:
		return fmt.Sprintf("musl 1.%d", c.Minor)
	}
	return "an unknown C library"
}

var (
	muslName  = regexp.MustCompile(`^ld-musl-[a-z0-9_]+\.so\.1$`)
	oldGlibc  = regexp.MustCompile(`^libc-2\.([0-9]+)\.so$`)
	glibcText = regexp.MustCompile(`GNU C Library [^\n\x00]*version 2\.([0-9]+)`)
	muslText  = regexp.MustCompile(`\x001\.([0-9]+)\.[0-9]+[-_.0-9a-z]*\x00`)
)

func isLibc(base string) bool {
	return base == "libc.so.6" || oldGlibc.MatchString(base) || muslName.MatchString(base)
}

// readLibc tells the version of a C library: glibc had it in its name until 2.33, and
// says it in what it prints when it is run as a program; so does musl.
func readLibc(base string, content io.Reader) (Libc, error) {
	if m := oldGlibc.FindStringSubmatch(base); m != nil {
		return Libc{Glibc, number(m[1])}, nil
	}
	const most = 16 << 20 // glibc has 2 MB, musl 0.6
	text, err := io.ReadAll(io.LimitReader(content, most))
	if err != nil {
		return Libc{}, err
	}
	if muslName.MatchString(base) {
		c := Libc{Musl, 1} // the oldest that wheels are made for
		if m := muslText.FindSubmatch(text); m != nil {
			c.Minor = number(string(m[1]))
		}
		return c, nil
	}
	if m := glibcText.FindSubmatch(text); m != nil {
		return Libc{Glibc, number(string(m[1]))}, nil
	}
	return Libc{}, nil
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// loader tells the C library of a program by the loader that its header names.
func loader(start []byte) string {
	switch {
	case bytes.Contains(start, []byte("/ld-musl-")):
		return Musl
	case bytes.Contains(start, []byte("/ld-linux")):
		return Glibc
	}
	return ""
}

// Libc gives the C library that the program at a path uses, and false where none was
// found.
func (fs *FS) Libc(program string) (Libc, bool) {
	want := ""
	if n, ok := fs.nodes[fs.Real(program)]; ok {
		want = n.Libc
	}
	var found []Libc
	for name, c := range fs.libcs {
		if c.Name != "" && (want == "" || c.Name == want) && !strings.Contains(path.Dir(name), "32") {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return Libc{}, false
	}
	// Whoever has both uses glibc; of several versions the oldest is safe.
	return slices.MinFunc(found, func(a, b Libc) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return a.Minor - b.Minor
	}), true
}
