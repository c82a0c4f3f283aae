package polyaxon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// marshmallow formats a problem as the real server does.
func marshmallow(p file.Problem) string {
	if len(p.Path) == 0 {
		return p.Message
	}
	last := p.Path[len(p.Path)-1]
	if len(p.Path) == 1 && p.Name == "unknown-key" {
		return fmt.Sprintf("Unexpected section `%s` in Polyaxonfile version `1.1`. Please check the Polyaxonfile specification for this version.", last)
	}
	path, message := p.Path, p.Message
	if at := slices.Index(path, "container"); p.Name == "unknown-key" && at >= 0 && at == len(path)-2 {
		path = path[:at+1]
		message = fmt.Sprintf("Error initializing V1Container, V1Container.__init__() got an unexpected keyword argument '%s'", last)
	} else if p.Name == "unknown-key" {
		message = "Unknown field."
	}
	text := "[" + python.Repr(message) + "]"
	for i := len(path) - 1; i >= 0; i-- {
		key := "'" + path[i] + "'"
		if strings.Trim(path[i], "0123456789") == "" {
			key = path[i]
		}
		if text = "{" + key + ": " + text + "}"; i > 0 && path[i-1] == "run" {
			text = "{0: " + text + "}" // the first of the kinds of runs that it could be
		}
	}
	return text
}
