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
)

// splitLocal returns the lines of requirements that are projects on disk, and all other lines,
// as a file at the repository's root would have them. Both are nil if there is no such project.
func splitLocal(name, text string) (others, local []Value) {
	number := 1
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " \x00")) {
		at := source.Position{File: name, Line: number}
		number += 1 + strings.Count(line, "\x00")
		line = requirementEnd.ReplaceAllString(strings.ReplaceAll(line, "\x00", ""), "")
		line = strings.Join(strings.Fields(line), " ")
		switch found := included.FindStringSubmatch(line); {
		case line == "":
		case localProject.MatchString(line):
			local = append(local, Value{line, at})
		case found != nil && !path.IsAbs(found[2]) && !strings.Contains(found[2], "://"):
			others = append(others, Value{found[1] + " " + path.Join(path.Dir(name), found[2]), at})
		default:
			others = append(others, Value{line, at})
		}
	}
	if local == nil {
		return nil, nil
	}
	return others, local
}
