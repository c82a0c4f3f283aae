package polyaxon111

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// operation is what is read of an operation before it is compiled.
type operation struct {
	root map[string]any
	name string
	kind string
}

// parse reads an operation as 1.11.3 does, and answers when it refuses it.
func parse(w http.ResponseWriter, r *http.Request, content string) (*operation, bool) {
	refuse := func(text string) (*operation, bool) {
		reply(w, http.StatusBadRequest, []string{text})
		return nil, false
	}
	file, problems := polyaxonfile.Load("operation", []byte(content))
	if file.Root() == nil {
		return refuse(fmt.Sprintf("Received an invalid specification, %v", polyaxonfile.Errors(problems)))
	}
	root := file.Root()
	switch {
	case root["version"] == nil:
		recorded("version-missing")(w, r)
		return nil, false
	case root["kind"] == nil:
		recorded("kind-missing")(w, r)
		return nil, false
	}
	for _, key := range []string{"hubRef", "urlRef", "pathRef", "dagRef"} {
		if root[key] != nil {
			recorded("no-component")(w, r)
			return nil, false
		}
	}
	for _, problem := range file.Validate(schema.Version{Major: 1, Minor: 11, Patch: 3}) {
		if problem.Severity == polyaxonfile.SeverityError && problem.Stage == polyaxonfile.StageSubmit {
			return refuse(marshmallow(problem))
		}
	}
	component, _ := file.Component()
	program, _ := component["run"].(map[string]any)
	kind, _ := program["kind"].(string)
	if kind == "" {
		return refuse("{'component': {'run': ['Missing data for required field.']}}")
	}
	name, _ := root["name"].(string)
	if name == "" {
		name, _ = component["name"].(string)
	}
	for _, section := range []string{"matrix", "schedule", "build"} {
		if root[section] != nil || component[section] != nil {
			kind = section
		}
	}
	if slices.Contains([]string{"dag", "matrix", "schedule", "build"}, kind) {
		recorded("kind", "KIND", kind)(w, r)
		return nil, false
	}
	return &operation{root: root, name: name, kind: kind}, true
}

// marshmallow tells a problem in the shape that the real server tells it.
func marshmallow(p polyaxonfile.Problem) string {
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
	quote := "'"
	if strings.Contains(message, "'") {
		quote = `"`
	}
	text := "[" + quote + message + quote + "]"
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

// compile gives the compiled operation, as JSON, and its inputs; an error is the
// message of a run that fails.
func compile(r *run) (*polyaxonfile.Compiled, error) {
	compiled, err := polyaxonfile.Compile([]byte(r.raw), polyaxonfile.Version{Major: 1, Minor: 11, Patch: 3})
	if err != nil {
		return nil, fmt.Errorf("Compilation Error: %w", err) //nolint:staticcheck // the server's words
	}
	return compiled.Resolve(polyaxonfile.Context{
		Owner: "default", Project: r.project, ProjectUUID: r.project, Name: r.name, UUID: r.uuid, Namespace: Namespace, Created: r.created,
		ArtifactsRoot: "/plx-context/artifacts",
	})
}

// preset lays a preset, a text or an object, over an operation.
func preset(raw string, content json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(content, &text) != nil {
		text = string(content)
	}
	patched, err := polyaxonfile.Patch([]byte(raw), []byte(text))
	return string(patched), err
}

// lay merges maps, as PATCH with merge does.
func lay(below, over map[string]any) map[string]any {
	merged := map[string]any{}
	for key, value := range below {
		merged[key] = value
	}
	for key, value := range over {
		lower, isMap := merged[key].(map[string]any)
		if upper, ok := value.(map[string]any); ok && isMap {
			value = lay(lower, upper)
		}
		merged[key] = value
	}
	return merged
}
