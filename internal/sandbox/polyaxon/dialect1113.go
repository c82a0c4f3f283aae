package polyaxon

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// release1113 is the community edition of Polyaxon 1.11.3, which is published only as
// images. Its responses are those that were recorded from a real server (testdata/1.11.3,
// against which a test compares them), and it behaves as that server was observed to.
// Where nothing was recorded it does what 2.18 does.
func release1113() *dialect {
	return &dialect{
		version:          schema.Version{Major: 1, Minor: 11, Patch: 3},
		installation:     map[string]string{"key": "slipway-sandbox", "version": "1.11.3", "dist": "ce"},
		routes:           func(*Server, *router) {}, // it has no skip, invalidate and transfer
		refusesBasicAuth: true,
		emptyErrors:      true,
		manager:          manager1113,
		operation:        operation1113,
		checksTags:       true,
		submitted:        [2]string{"SchedulerStart", "Run is scheduled"}, // it has no agent
		lacks:            lacks1113(),
		cloned:           cloned1113,
		resumed:          viewOfRun,
		hidesDeleted:     true,
		listed:           listing{order: "-updated_at", maxPage: 100, pagesAll: true, compressed: true},
		queries: map[string]func(record) []string{
			"tags": func(r record) []string { return r.Tags }, // an array in PostgreSQL
		},
		lines:         archive1113,
		logs:          logs1113,
		archiveHasDir: true,
		unpacked:      "uploads",
		gateways:      []string{"/services/v1/", "/rewrite-services/v1/"},
	}
}

// manager1113 ignores managed_by. A run that is not managed is a dry run: it is compiled
// and not run.
func manager1113(body *createBody) string {
	if body.IsManaged != nil && !*body.IsManaged {
		return "cli"
	}
	return "agent"
}

// lacks1113 lists the missing fields. Only the fields that slipway's clients read were
// recorded. The response to the creation of a run has neither status nor kind.
func lacks1113() map[form][]string {
	later := []string{"managed_by", "settings", "resources", "bookmarked", "pipeline", "schedule_at", "user", "readme", "live_state"}
	return map[form][]string{
		formCreated:  append([]string{"kind"}, later...),
		formRun:      later,
		formProject:  append([]string{"tags", "updated_at"}, later...),
		formStatuses: {"meta_info"},
	}
}

// cloned1113 is the response to restart and copy. It is like that to the creation of a
// run.
func cloned1113(r record, _ string) map[string]any {
	v := viewOfCreated(r)
	v["original"] = r.Original
	return v
}

// operation1113 refuses with the messages of marshmallow, a dict of dicts. It refuses
// operations that create other runs.
func operation1113(content string) (*compile.Compiled, []string) {
	refuse := func(text string) (*compile.Compiled, []string) {
		return nil, []string{text}
	}
	version := release1113().version
	f, problems := file.Load("operation", []byte(content))
	root := f.Root()
	switch {
	case root == nil:
		return refuse("Received an invalid specification, " + file.Errors(problems).Error())
	case root["version"] == nil:
		return refuse("The Polyaxonfile `version` must be specified.")
	case root["kind"] == nil:
		return refuse("The Polyaxonfile `kind` must be specified.")
	}
	for _, key := range []string{"hubRef", "urlRef", "pathRef", "dagRef"} {
		if root[key] != nil {
			return refuse("Compile operation received an invalid configuration: the component is missing. The operation must have a component.")
		}
	}
	for _, problem := range check.Validate(f, version) {
		if problem.Severity == file.SeverityError && problem.Stage == file.StageSubmit {
			return refuse(marshmallow(problem))
		}
	}
	component, _ := f.Component()
	program, _ := component["run"].(map[string]any)
	kind, _ := program["kind"].(string)
	if kind == "" {
		return refuse("{'component': {'run': ['Missing data for required field.']}}")
	}
	for _, section := range []string{"matrix", "schedule", "build"} {
		if root[section] != nil || component[section] != nil {
			kind = section
		}
	}
	switch kind {
	case "dag", "matrix", "schedule", "build":
		return refuse("You cannot create this operation. This can happen if the server is a community edition, or your plan does not support operations of kind: " + kind)
	}
	operation, err := compile.Operation([]byte(content), version)
	if err != nil {
		return refuse(err.Error())
	}
	return operation, nil
}
