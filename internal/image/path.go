package image

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// cleanPath cleans the path of a file as named in slipway.yaml, relative to the tree's
// root. The result has slashes, and is "." for the root. If the path is invalid, why says
// so.
func cleanPath(file string) (clean, why string) {
	clean = path.Clean(file)
	switch {
	case file == "":
		return "", "is empty"
	case !utf8.ValidString(file):
		return "", "is not UTF-8"
	case strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "has a control character in its name"
	case path.IsAbs(file), filepath.IsAbs(file):
		return "", "is an absolute path"
	case clean == "..", strings.HasPrefix(clean, "../"):
		return "", "is outside the repository"
	case strings.ContainsRune(file, '\\'):
		return "", "has a backslash in its name"
	case !filepath.IsLocal(filepath.FromSlash(clean)): // reserved names, such as CON on Windows
		return "", "is not a valid path on this system"
	}
	return clean, ""
}

// whiteout is the prefix of a file name that deletes a file of the layers below. See the
// OCI image specification, Image Layer Filesystem Changeset.
const whiteout = ".wh."

// isWhiteout reports whether an element of a path is the name of a whiteout.
func isWhiteout(p string) bool {
	return slices.ContainsFunc(strings.Split(p, "/"), func(part string) bool { return strings.HasPrefix(part, whiteout) })
}

// within reports whether the path p is dir or below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}
