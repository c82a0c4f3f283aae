package wheel

import "strings"

// Installed returns the package whose metadata a directory in site-packages has, by its normalized name and its
// version, such as numpy and 2.1.0 for numpy-2.1.0.dist-info, and false if it has that of none.
func Installed(dir string) (name, version string, ok bool) {
	stem, ok := strings.CutSuffix(dir, ".dist-info")
	name, version, found := strings.Cut(stem, "-")
	if !ok || !found || name == "" {
		return "", "", false
	}
	return normalName(name), version, true
}

// SameVersion reports whether two texts are the same version, as 1.0 and 1.0.0 are.
func SameVersion(a, b string) bool { return sameVersion(a, b) }
