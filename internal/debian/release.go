package debian

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is the signed index of a suite: the hashes of its other indexes. See
// wiki.debian.org/DebianRepository/Format.
type release struct {
	architectures []string
	byHash        bool
	// rank is how much apt prefers the suite: see apt_preferences(5).
	rank  int
	files map[string]indexFile
	// labels are what the suite says it is, by the letters that pins use: a is its name, n its code name, v its
	// version, o and l its origin and its label.
	labels map[string]string
}

// isSuite reports whether the index is that of a suite, which a mirror may answer with another one that is signed by
// the same key. As in apt, an index without a name is that of any, and what follows a slash is not compared.
func (r *release) isSuite(suite string) bool {
	first := func(name string) string { before, _, _ := strings.Cut(name, "/"); return before }
	names := r.names()
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return first(name) == first(suite) })
}

// names returns the names that the suite says it has.
func (r *release) names() (all []string) {
	for _, letter := range []string{"a", "n"} {
		if r.labels[letter] != "" {
			all = append(all, r.labels[letter])
		}
	}
	return all
}

// indexFile is a file of an index, by its size in bytes and its hash in hexadecimal.
type indexFile struct {
	size   int64
	sha256 string
}

var (
	// errExpired reports that an index is out of date.
	errExpired = errors.New("the index is out of date")
	// errFuture reports that an index is of a time that has not come yet.
	errFuture = errors.New("the index is of the future")
)

// readRelease reads the Release file of a source. It returns errExpired if it is out of date, and errFuture if its
// time has not come, unless the source allows that.
func readRelease(text []byte, s aptSource, now time.Time) (*release, error) {
	var p paragraph
	err := readParagraphs(bytes.NewReader(text), nil, func(one paragraph) error {
		if p == nil {
			p = one
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := &release{architectures: strings.Fields(p["architectures"]), byHash: p["acquire-by-hash"] == "yes", rank: 500, files: map[string]indexFile{},
		labels: map[string]string{"a": p["suite"], "n": p["codename"], "v": p["version"], "o": p["origin"], "l": p["label"]}}
	switch {
	case p["notautomatic"] == "yes" && p["butautomaticupgrades"] == "yes":
		r.rank = 100
	case p["notautomatic"] == "yes":
		r.rank = 1
	}
	if err := s.checkTimes(p, now); err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(p["sha256"], "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 || !hashForm.MatchString(words[0]) {
			return nil, fmt.Errorf("%q is not a hash, a size and a name", line)
		}
		size, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("%q is not a size", words[1])
		}
		r.files[words[2]] = indexFile{size, words[0]}
	}
	if len(r.files) == 0 {
		return nil, errors.New("it has no SHA256 hashes")
	}
	return r, nil
}

// checkTimes returns an error if an index is out of date, or of the future, unless the source allows that.
func (s aptSource) checkTimes(p paragraph, now time.Time) error {
	if date := p["date"]; date != "" && !s.anyDate {
		made, err := readTime(date)
		if err != nil {
			return fmt.Errorf("its Date: %w", err)
		}
		if made.After(now.Add(s.future)) {
			return fmt.Errorf("it is of %s: %w", date, errFuture)
		}
	}
	if until := p["valid-until"]; until != "" && !s.anyAge && !s.anyDate {
		end, err := readTime(until)
		if err != nil {
			return fmt.Errorf("its Valid-Until: %w", err)
		}
		if now.After(end) {
			return fmt.Errorf("it was valid until %s: %w", until, errExpired)
		}
	}
	return nil
}

// readTime reads a time as Release files have it.
func readTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", text)
}

// packageIndex returns the name of the index of a component's packages, in the compression that
// is unpacked the fastest, and false if the suite does not have one.
func (r *release) packageIndex(component, architecture string) (name string, file indexFile, ok bool) {
	dir := ""
	if component != "" {
		if len(r.architectures) > 0 && !slices.Contains(r.architectures, architecture) && !slices.Contains(r.architectures, "all") {
			return "", file, false
		}
		dir = component + "/binary-" + architecture + "/"
	}
	for _, ending := range []string{".gz", ".xz", ""} {
		if file, ok = r.files[dir+"Packages"+ending]; ok {
			return dir + "Packages" + ending, file, true
		}
	}
	return "", file, false
}
