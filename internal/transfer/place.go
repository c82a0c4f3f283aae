// Package transfer copies files between directories and buckets of Cloud Storage: it compares by
// size and CRC32C, and copies what differs. Nothing is written outside of the target, and what
// another program wrote meanwhile is left.
package transfer

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Place is a directory of this machine or of the persistent volume, or the objects of a bucket below a prefix.
type Place struct {
	// Text is what the user gave.
	Text string
	// Dir is the directory, or "" for a bucket. In a volume it is a path below the volume, with slashes.
	Dir string
	// InVolume reports whether Dir is in the persistent volume, and Volume is where that is on this machine.
	// Who calls Sync sets Volume.
	InVolume bool
	Volume   string
	// Shell reaches the volume if it is not on this machine. Volume is then where the Shell has it.
	Shell Shell
	// Bucket is the bucket's name, and Prefix what follows it, without a slash at its beginning.
	Bucket, Prefix string
}

// Remote reports whether the place is in a bucket.
func (p Place) Remote() bool { return p.Bucket != "" }

// volumeScheme begins the address of a directory of the volume.
const volumeScheme = "volume:"

// InVolume reports whether an address is one of the volume.
func InVolume(address string) bool { return strings.HasPrefix(address, volumeScheme) }

// ParsePlace reads an address such as gs://BUCKET/DIR or volume:/DIR, or a path, which resolve makes absolute.
func ParsePlace(text string, resolve func(string) string) (Place, error) {
	if dir, inVolume := strings.CutPrefix(text, volumeScheme); inVolume {
		return parseVolume(text, dir)
	}
	rest, remote := strings.CutPrefix(text, "gs://")
	switch {
	case text == "":
		return Place{}, &NameError{Name: text, Problem: "is empty: give a path, or an address such as gs://BUCKET/DIR"}
	case text == "-":
		return Place{}, &NameError{Name: text, Problem: "is not a file: `slipway data cat` writes an object to standard output, and ./- is a file of that name"}
	case !remote && (strings.Contains(text, "://") || strings.HasPrefix(text, "gs:")):
		return Place{}, &NameError{Name: text, Problem: "is neither a path nor an address such as gs://BUCKET/DIR"}
	case !remote:
		return Place{Text: text, Dir: resolve(text)}, nil
	}
	p := Place{Text: text}
	p.Bucket, p.Prefix, _ = strings.Cut(rest, "/")
	if problem := bucketProblem(p.Bucket); problem != "" {
		return Place{}, &NameError{Name: text, Problem: problem}
	}
	if p.Prefix != "" {
		if problem := objectProblem(p.Prefix); problem != "" {
			return Place{}, &NameError{Name: text, Problem: problem}
		}
	}
	return p, nil
}

// below returns the prefix of the objects in the place.
func (p Place) below() string {
	if p.Prefix == "" || strings.HasSuffix(p.Prefix, "/") {
		return p.Prefix
	}
	return p.Prefix + "/"
}

// NameError reports a name that its target does not accept. It is found before anything is copied.
type NameError struct{ Name, Problem string }

// Error implements error.
func (e *NameError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Problem) }

// bucketProblem says why Cloud Storage refuses the name of a bucket, or returns "". The rules are those
// of cloud.google.com/storage/docs/buckets#naming.
func bucketProblem(name string) string {
	const rules = "a bucket's name has 3 to 63 lower-case letters, digits, dashes, underscores and dots, and begins and ends with a letter or digit"
	alphanumeric := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	if len(name) < 3 || len(name) > 222 || !alphanumeric(name[0]) || !alphanumeric(name[len(name)-1]) {
		return "names no valid bucket: " + rules
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > 63 {
			return "names no valid bucket: " + rules
		}
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return "names no valid bucket: " + rules
		}
	}
	return ""
}

// objectProblem says why Cloud Storage refuses the name of an object, or returns "". The rules are
// those of cloud.google.com/storage/docs/objects#naming.
func objectProblem(name string) string {
	switch {
	case len(name) > 1024:
		return fmt.Sprintf("has %d bytes as a name in the bucket, and Cloud Storage accepts 1024", len(name))
	case !utf8.ValidString(name):
		return "is not UTF-8, which Cloud Storage requires"
	case strings.ContainsAny(name, "\r\n"):
		return "has a line break, which Cloud Storage refuses"
	case name == "." || name == ".." || strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return "is a name that Cloud Storage refuses"
	}
	return ""
}

// foreign reports whether others than this user may have chosen the names in the place.
func (p Place) foreign() bool { return p.Remote() || p.InVolume }

// GitProblem says why a name that others have chosen must not be that of a file of this machine, or returns "": git
// would take the file for one of its own, and its configuration and its hooks name programs that git runs. File
// systems of other systems take more names for .git, and these are those that git itself refuses.
func GitProblem(name string) string {
	for part := range strings.SplitSeq(strings.ReplaceAll(name, `\`, "/"), "/") {
		part = strings.TrimRight(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) { // what macOS ignores in names
				return -1
			}
			return r
		}, part), ". ")
		if stream, _, _ := strings.Cut(part, ":"); strings.EqualFold(stream, ".git") || strings.EqualFold(stream, "git~1") {
			return "would be one of git's own files, which can make git run programs"
		}
	}
	return ""
}

// fileProblem says why an object cannot be a file of this machine, or returns "".
func fileProblem(name string) string {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return "cannot be a file: it has an empty part, or the part . or .."
		case len(part) > 255:
			return "cannot be a file: a part of it has more than 255 bytes"
		}
	}
	if strings.ContainsRune(name, 0) || !filepath.IsLocal(filepath.FromSlash(name)) || runtime.GOOS == "windows" && strings.ContainsAny(name, `\:*?"<>|`) {
		return "cannot be a file of this system"
	}
	return ""
}

// checkFiles returns a *NameError if names cannot all be files of one directory: one is a directory for
// another, or folds is set and two differ only in upper and lower case or in how a letter is composed.
func checkFiles(names []string, folds bool) error {
	key := func(name string) string {
		if folds {
			return strings.ToLower(norm.NFC.String(name))
		}
		return name
	}
	files := map[string]string{}
	for _, name := range names {
		if problem := fileProblem(name); problem != "" {
			return &NameError{name, problem + "; leave it out with --exclude"}
		}
		if other, taken := files[key(name)]; taken {
			return &NameError{name, fmt.Sprintf("and %q are one file here, as this file system does not tell upper from lower case: leave one out with --exclude", other)}
		}
		files[key(name)] = name
	}
	for _, name := range names {
		for i, c := range name {
			if c != '/' {
				continue
			}
			if file, taken := files[key(name[:i])]; taken {
				return &NameError{file, fmt.Sprintf("cannot be a file, because %q is in a directory of that name: leave one out with --exclude", name)}
			}
		}
	}
	return nil
}

// foldsNames reports whether a directory's file system treats names that differ in case as one.
func foldsNames(root *os.Root) (bool, error) {
	const name = partPrefix + "case"
	file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	if err := file.Close(); err != nil {
		return false, err
	}
	_, err = root.Lstat(strings.ToUpper(name))
	return err == nil, root.Remove(name)
}

// sorted returns the names of files in order.
func sorted[V any](files map[string]V) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
