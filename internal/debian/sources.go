package debian

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// aptSource is a suite of a repository that apt sources name. See sources.list(5).
type aptSource struct {
	// uri is the address of the archive, and suite the name of the release in it. A suite that ends
	// with a slash is a directory with the index, and has no components.
	uri, suite string
	components []string
	// signedBy are paths of keyrings, fingerprints of keys, or the text of a key. If it is empty, all
	// keys that the base trusts will do.
	signedBy []string
	// anyAge reports whether an index that is out of date is taken, and anyDate whether its times are not looked at.
	// future is how long its time may be yet to come.
	anyAge, anyDate bool
	future          time.Duration
	// file is the file that names the source.
	file string
}

// String returns the source as messages show it.
func (s aptSource) String() string { return masked(s.uri) + " " + s.suite }

// host returns the host of the archive, as pins name it.
func (s aptSource) host() string {
	at, err := url.Parse(s.uri)
	if err != nil {
		return ""
	}
	return at.Hostname()
}

// readSources returns the sources of binary packages for an architecture that apt's files name, or
// an *Error.
func readSources(in files, architecture string) ([]aptSource, error) {
	var all []aptSource
	for _, file := range append([]string{sourcesList}, in.Files(sourcesDir)...) {
		text, ok := in.File(file)
		if !ok {
			continue
		}
		switch path.Ext(file) {
		case ".list", ".sources":
		default:
			continue // apt ignores it, too
		}
		found, err := readSourceFile(file, text, architecture)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// readSourceFile returns the sources of binary packages that a file names, or an *Error.
func readSourceFile(file string, text []byte, architecture string) ([]aptSource, error) {
	read := readSourceParagraphs
	if path.Ext(file) == ".list" {
		read = readSourceLines
	}
	found, err := read(text, architecture)
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("has apt sources that cannot be read: %s: %v", file, err), Hint: "correct the file", Err: err}
	}
	var all []aptSource
	for _, s := range found {
		s.file = file
		s.uri, s.suite = strings.ReplaceAll(s.uri, "$(ARCH)", architecture), strings.ReplaceAll(s.suite, "$(ARCH)", architecture)
		if at, err := url.Parse(s.uri); err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
			continue // such as cdrom: and file:, which are places in the base
		}
		all = append(all, s)
	}
	return all, nil
}

// readSourceLines reads the one-line format: deb [OPTION=VALUE...] URI SUITE COMPONENT...
func readSourceLines(text []byte, architecture string) ([]aptSource, error) {
	var all []aptSource
	number := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "deb-src" {
			continue
		}
		if words[0] != "deb" {
			return nil, fmt.Errorf("line %d begins with %q, not with deb or deb-src", number, words[0])
		}
		words = words[1:]
		options := map[string]string{}
		if len(words) > 0 && strings.HasPrefix(words[0], "[") {
			end := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			if end < 0 {
				return nil, fmt.Errorf("line %d has a [ without a ]", number)
			}
			for word := range strings.FieldsSeq(strings.Trim(strings.Join(words[:end+1], " "), "[]")) {
				name, value, _ := strings.Cut(word, "=")
				options[strings.ToLower(name)] = value
			}
			words = words[end+1:]
		}
		if len(words) < 2 {
			return nil, fmt.Errorf("line %d has no address and suite", number)
		}
		s := aptSource{uri: words[0], suite: words[1], components: words[2:]}
		s.setTimes(options)
		if by := options["signed-by"]; by != "" {
			s.signedBy = strings.Split(by, ",")
		}
		if only := options["arch"]; only != "" && !slices.Contains(strings.Split(only, ","), architecture) {
			continue
		}
		all = append(all, s)
	}
	return all, nil
}

// readSourceParagraphs reads the deb822 format.
func readSourceParagraphs(text []byte, architecture string) ([]aptSource, error) {
	var all []aptSource
	err := readParagraphs(bytes.NewReader(text), nil, func(p paragraph) error {
		if isNo(p["enabled"]) || !slices.Contains(strings.Fields(p["types"]), "deb") {
			return nil
		}
		if only := strings.Fields(p["architectures"]); len(only) > 0 && !slices.Contains(only, architecture) {
			return nil
		}
		by := strings.Fields(p["signed-by"])
		if strings.Contains(p["signed-by"], "-----BEGIN") {
			by = []string{keyText(p["signed-by"])}
		}
		for _, uri := range strings.Fields(p["uris"]) {
			for _, suite := range strings.Fields(p["suites"]) {
				s := aptSource{uri: uri, suite: suite, components: strings.Fields(p["components"]), signedBy: by}
				s.setTimes(p)
				all = append(all, s)
			}
		}
		return nil
	})
	return all, err
}

// keyText returns a key that is written into a field, in which a line with a point is empty.
func keyText(value string) string {
	lines := strings.Split(strings.TrimSpace(value), "\n")
	for n, line := range lines {
		if lines[n] = strings.TrimSpace(line); lines[n] == "." {
			lines[n] = ""
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// maxFuture is how long the time of an index may be yet to come, as clocks differ. It is apt's.
const maxFuture = 10 * time.Second

// setTimes sets what the options of a source say of the times of its index.
func (s *aptSource) setTimes(options map[string]string) {
	s.anyAge, s.anyDate, s.future = isNo(options["check-valid-until"]), isNo(options["check-date"]), maxFuture
	if seconds, err := strconv.ParseUint(options["date-max-future"], 10, 32); err == nil {
		s.future = time.Duration(seconds) * time.Second
	}
}

// isNo reports whether apt takes the value of an option as no.
func isNo(value string) bool {
	switch strings.ToLower(value) {
	case "no", "false", "without", "off", "disable", "0":
		return true
	}
	return false
}
