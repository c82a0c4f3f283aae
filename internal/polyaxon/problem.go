package polyaxon

import (
	"regexp"
	"sort"
	"strings"
)

// Problem is one thing that a server finds wrong with an operation.
type Problem struct {
	// Path leads to it from the operation's root, such as component, run,
	// container, imagee. Servers write numbers of lists into it, and some of their
	// own that the operation does not have. Where a server names but a key (2.18
	// does of a container's), Path is that key alone and Anywhere is true.
	Path     []string
	Anywhere bool
	// Message is what is wrong there, in the server's words.
	Message string
}

// Problems reads what the server says of the operation that it refuses: the texts
// of pydantic (2.x) and of marshmallow (1.x). What names no place is left out.
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
	// 1.11.3, of a key at the top.
	unexpectedSection = regexp.MustCompile("^Unexpected section `([^`]+)` in Polyaxonfile")
	// Both, of a key of a Kubernetes object, such as a container.
	unexpectedArgument = regexp.MustCompile(`\.__init__\(\) got an unexpected keyword argument '([^']+)'`)
	// pydantic's first line.
	validationErrors = regexp.MustCompile(`(?m)^\d+ validation errors? for \S+$`)
	// pydantic ends a message with its type and what was given, a hint follows.
	messageEnd = regexp.MustCompile(`\s*\[type=[^\n]*$`)
)

// readPydantic reads a count, and then a path on a line of its own with its message
// indented below.
func readPydantic(text string) []Problem {
	at := validationErrors.FindStringIndex(text)
	if at == nil {
		return nil
	}
	var all []Problem
	for line := range strings.SplitSeq(text[at[1]:], "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
		case trimmed == strings.TrimRight(line, " \r"): // not indented: a path
			all = append(all, Problem{Path: strings.Split(trimmed, ".")})
		case len(all) > 0 && all[len(all)-1].Message == "":
			all[len(all)-1].Message = messageEnd.ReplaceAllString(trimmed, "")
		}
	}
	return all
}

// readMarshmallow reads dicts of dicts whose leaves are lists of texts.
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
