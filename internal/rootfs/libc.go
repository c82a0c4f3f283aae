package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// The C libraries that Python's platform tags distinguish: manylinux and musllinux.
const (
	Glibc = "glibc"
	Musl  = "musl"
)

// Libc is a C library. Its version is 2.Minor for glibc and 1.Minor for musl.
type Libc struct {
	Name  string `json:"name"`
	Minor int    `json:"minor"`
}

// String returns the name with the version, such as glibc 2.36.
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
	muslName  = lazyregexp.New(`^ld-musl-[a-z0-9_]+\.so\.1$`)
	oldGlibc  = lazyregexp.New(`^libc-2\.([0-9]+)\.so$`)
	glibcText = lazyregexp.New(`GNU C Library [^\n\x00]*version 2\.([0-9]+)`)
	muslText  = lazyregexp.New(`\x001\.([0-9]+)\.[0-9]+[-_.0-9a-z]*\x00`)
)

// isLibc reports whether a file of this name is a C library.
func isLibc(base string) bool {
	return base == "libc.so.6" || oldGlibc.MatchString(base) || muslName.MatchString(base)
}

// readLibc returns the version of a C library. The file name of glibc contained the version
// until 2.33. Since then, as with musl, it is in the text that the library prints when it
// is run as a program. readLibc returns the zero Libc if it does not find a version of
// glibc.
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
		c := Libc{Musl, 1} // the oldest version that wheels are built for
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

// number parses digits. It returns 0 if they do not fit into an int.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// loader returns the name of the C library of a program, according to the dynamic loader in
// its header, or "".
func loader(start []byte) string {
	switch {
	case bytes.Contains(start, []byte("/ld-musl-")):
		return Musl
	case bytes.Contains(start, []byte("/ld-linux")):
		return Glibc
	}
	return ""
}

// Libc returns the C library that the program at a path uses. It returns false if it finds
// none.
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
	// If the file system has both libraries, programs use glibc. Of several versions the
	// oldest is the safe choice.
	return slices.MinFunc(found, func(a, b Libc) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return a.Minor - b.Minor
	}), true
}
