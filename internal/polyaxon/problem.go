package polyaxon

import (
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Problem is one mistake that a server finds in an operation.
type Problem struct {
	// Path leads from the operation's root to the mistake, such as component, run,
	// container, imagee. Servers write indexes of lists into it, and some keys of their own
	// that the operation does not have. If the server names only a key, as 2.18 does for a
	// container, Path is that key alone and Anywhere is true.
	Path     []string
	Anywhere bool
	// Message is the server's description of the mistake.
	Message string
}

// Problems parses the messages of a server that rejected an operation: those of pydantic
// (2.x) and of marshmallow (1.x). Messages without a place are left out. It returns nil
// unless e.Kind is Invalid.
func (e *Error) Problems() []Problem {
	if e.Kind != Invalid {
		return nil
	}
	var all []Problem
	for _, text := range e.Messages {
		all = append(all, readProblems(text)...)
	}
	return all
}

// readProblems parses one message.
func readProblems(text string) []Problem {
	text = strings.TrimSpace(text)
	if m := unexpectedSection.FindStringSubmatch(text); m != nil {
		return []Problem{{Path: []string{m[1]}, Message: text}}
	}
	if found := readPydantic(text); len(found) > 0 {
		return found
	}
	if at := strings.IndexByte(text, '{'); at >= 0 {
		if value, ok := parsePython(text[at:]); ok {
			if dict, ok := value.(map[string]any); ok {
				return readMarshmallow(nil, dict)
			}
		}
	}
	if m := unexpectedArgument.FindStringSubmatch(text); m != nil {
		return []Problem{{Path: []string{m[1]}, Anywhere: true, Message: text}}
	}
	return nil
}

var (
	// 1.11.3, for a key at the top.
	unexpectedSection = lazyregexp.New("^Unexpected section `([^`]+)` in Polyaxonfile")
	// Both, for a key of a Kubernetes object, such as a container.
	unexpectedArgument = lazyregexp.New(`\.__init__\(\) got an unexpected keyword argument '([^']+)'`)
	// The first line of pydantic's message.
	validationErrors = lazyregexp.New(`(?m)^\d+ validation errors? for \S+$`)
	// The end of a line of pydantic: the type of the error, the input, and a hint.
	messageEnd = lazyregexp.New(`\s*\[type=[^\n]*$`)
)

// readPydantic reads pydantic's text: a line with the count, and then a line with a path
// for each mistake, with the message indented below it.
func readPydantic(text string) []Problem {
	at := validationErrors.FindStringIndex(text)
	if at == nil {
		return nil
	}
	var all []Problem
	for line := range strings.SplitSeq(text[at[1]:], "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
		case trimmed == strings.TrimRight(line, " \r"): // a path, since it is not indented
			all = append(all, Problem{Path: strings.Split(trimmed, ".")})
		case len(all) > 0 && all[len(all)-1].Message == "":
			all[len(all)-1].Message = messageEnd.ReplaceAllString(trimmed, "")
		}
	}
	return all
}

// readMarshmallow reads nested maps whose leaves are lists of messages.
func readMarshmallow(path []string, value any) []Problem {
	switch x := value.(type) {
	case map[string]any:
		names := make([]string, 0, len(x))
		for name := range x {
			names = append(names, name)
		}
		sort.Strings(names)
		var all []Problem
		for _, name := range names {
			all = append(all, readMarshmallow(append(path[:len(path):len(path)], name), x[name])...)
		}
		return all
	case []any:
		var all []Problem
		for _, item := range x {
			all = append(all, readMarshmallow(path, item)...)
		}
		return all
	}
	text := plain(value)
	if m := unexpectedArgument.FindStringSubmatch(text); m != nil {
		path = append(path[:len(path):len(path)], m[1])
	}
	return []Problem{{Path: path, Message: text}}
}
