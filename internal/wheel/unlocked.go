package wheel

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Unlocked is a requirements file of which a lock was made, and what it names now that the lock has not.
type Unlocked struct {
	File  string
	Names []string
	// Command made the lock.
	Command string
}

// lockCommand matches the line with which pip-tools, uv and slipway say how a lock was made.
var lockCommand = lazyregexp.New(`(?m)^#[ \t]*(?:Made by:[ \t]*)?((?:uv[ \t]+pip[ \t]+compile|pip-compile)[ \t][^\n]*?)[ \t]*$`)

// lockHeader is in how many bytes at the beginning of a lock that line is searched.
const lockHeader = 1 << 12

// FindUnlocked returns the requirements files of which a requirements lock was made and that name packages
// which it has not. Versions are not compared. Names with a marker are left out, as a lock for one platform
// may rightly lack them. It returns nothing if the lock does not say how it was made, or cannot be read.
func FindUnlocked(s Spec) []Unlocked {
	if f, err := s.format(); err != nil || f != requirementsFormat {
		return nil
	}
	read := s.reader()
	text, err := read(path.Clean(s.Lock))
	if err != nil {
		return nil
	}
	m := lockCommand.FindStringSubmatch(string(text[:min(len(text), lockHeader)]))
	if m == nil {
		return nil
	}
	lock, err := parseRequirements(path.Clean(s.Lock), read)
	if err != nil {
		return nil
	}
	var all []Unlocked
	for _, input := range compiled(m[1]) {
		text, err := read(path.Clean(input))
		if err != nil {
			continue
		}
		names := slices.DeleteFunc(namesIn(string(text)), func(name string) bool {
			return slices.ContainsFunc(lock.requirements, func(r requirement) bool { return normalName(r.name) == normalName(name) })
		})
		if len(names) > 0 {
			all = append(all, Unlocked{File: input, Names: names, Command: m[1]})
		}
	}
	return all
}

// compiled returns the requirements files that a command locks.
func compiled(command string) []string {
	var files []string
	former := ""
	for _, word := range strings.Fields(command) {
		if !strings.HasPrefix(word, "-") && !strings.HasPrefix(former, "-") && (strings.HasSuffix(word, ".txt") || strings.HasSuffix(word, ".in")) {
			files = append(files, word)
		}
		if former = word; strings.Contains(word, "=") || slices.Contains(lockFlags, word) {
			former = ""
		}
	}
	return files
}

// lockFlags are the usual flags of these commands that take no value.
var lockFlags = []string{"--universal", "--no-build", "--generate-hashes", "--quiet", "-q", "--no-header", "--upgrade", "-U", "--no-annotate", "--strip-extras", "--no-strip-extras", "--allow-unsafe", "--all-extras"}

// namesIn returns the names of packages without a marker that the lines of a requirements file have.
func namesIn(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if m := requirementText.FindStringSubmatch(line); m != nil && m[4] == "" && !strings.Contains(line, ";") {
			names = append(names, m[1])
		}
	}
	return names
}
