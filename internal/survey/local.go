package survey

import (
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

var (
	// localProject matches a requirement that is a project on disk, which pip would build: -e .,
	// ./lib, name @ file:lib. Every editable requirement is one, because pip checks it out.
	localProject = lazyregexp.New(`^(?:-e\b|--editable\b|\.(?:$|[/\\\[ .])|(?:[\w.-]+(?:\[[^\]]*\])?[ \t]*@[ \t]*)?file:)`)
	// included matches a line that names another file, which is relative to the first one.
	included       = lazyregexp.New(`^(-r|-c|--requirement|--constraint)(?:[ \t]+|=|)([^\s=].*)$`)
	requirementEnd = lazyregexp.New(`(?:^|\s)#.*`)
	// address matches a requirement that is taken from an address: git+https://..., name @ https://...
	address  = lazyregexp.New(`^(?:[\w.-]+(?:\[[^\]]*\])?[ \t]*@[ \t]*)?[A-Za-z][A-Za-z0-9+.]*(?:://|\+ssh:|@[\w.-]+:)`)
	userInfo = lazyregexp.New(`://[^/\s@'"]+@`)
)

// isElsewhere reports whether a requirement is taken from an address or a directory, which a lock
// with hashes cannot name.
func isElsewhere(requirement string) bool {
	return localProject.MatchString(requirement) || address.MatchString(requirement)
}

// IsAddress reports whether a requirement is taken from an address.
func IsAddress(requirement string) bool {
	option, rest, _ := strings.Cut(requirement, " ")
	if option == "-e" || option == "--editable" {
		requirement = rest
	}
	return address.MatchString(requirement)
}

// Masked returns a text without the credentials of its addresses.
func Masked(text string) string { return userInfo.ReplaceAllString(text, "://***@") }

// splitElsewhere returns the lines of requirements that are projects on disk or addresses, and all
// other lines, as a file at the repository's root would have them. Both are nil if there are no such
// requirements.
func splitElsewhere(name, text string) (others, elsewhere []Value) {
	number := 1
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " \x00")) {
		at := source.Position{File: name, Line: number}
		number += 1 + strings.Count(line, "\x00")
		line = requirementEnd.ReplaceAllString(strings.ReplaceAll(line, "\x00", ""), "")
		line = strings.Join(strings.Fields(line), " ")
		switch found := included.FindStringSubmatch(line); {
		case line == "":
		case isElsewhere(line):
			elsewhere = append(elsewhere, Value{Masked(line), at})
		case found != nil && !path.IsAbs(found[2]) && !strings.Contains(found[2], "://"):
			others = append(others, Value{found[1] + " " + path.Join(path.Dir(name), found[2]), at})
		default:
			others = append(others, Value{line, at})
		}
	}
	if elsewhere == nil {
		return nil, nil
	}
	return others, elsewhere
}
