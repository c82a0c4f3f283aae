package polyaxon

import (
	"errors"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// release218 is Polyaxon 2.18. Its responses are those observed from Polyaxon's own
// server (the package haupt, which tests run beside this one).
func release218() *dialect {
	return &dialect{
		version:         schema.Version{Major: 2, Minor: 18},
		installation:    map[string]string{"key": "slipway-sandbox", "version": "2.18.0", "dist": "ce", "mode": "sandbox"},
		routes:          routes218,
		manager:         manager218,
		operation:       operation218,
		compilesPending: true,
		approvedTwice:   true,
		submitted:       [2]string{"AgentSubmit", "The run was given to the sandbox"},
		cloned:          viewOfItem,
		resumed:         viewOfItem,
		listed:          listing{order: "-created_at", unlimited: 100},
		queries: map[string]func(record) []string{
			"runtime":     func(r record) []string { return []string{r.Runtime} },
			"description": func(r record) []string { return []string{r.Description} },
			"managed_by":  func(r record) []string { return []string{r.ManagedBy} },
		},
		lines:      func(s *Server, run record) (string, error) { return s.executor.dir("logs", run.UUID), nil },
		logs:       logs218,
		unpacked:   ".",
		gateways:   []string{"/services/v1/", "/rewrite-services/v1/", "/external/v1/", "/rewrite-external/v1/"},
		portInPath: true,
	}
}

func routes218(s *Server, m *router) {
	const r = "/api/v1/{owner}/{project}/runs/{uuid}"
	m.HandleFunc("POST "+r+"/skip", s.withRun(s.act(s.skipRun)))
	m.HandleFunc("POST "+r+"/invalidate", s.withRun(s.act(func(record) error { return nil }))) // nothing is cached
	m.HandleFunc("POST "+r+"/transfer", s.withRun(s.transferRun))
}

func manager218(body *createBody) string {
	switch {
	case body.ManagedBy != "":
		return body.ManagedBy
	case body.IsManaged != nil && !*body.IsManaged:
		return "user"
	}
	return "agent"
}

// operation218 refuses with the messages of pydantic, with a path on each line.
func operation218(content string) (*compile.Compiled, []string) {
	operation, err := compile.Operation([]byte(content), release218().version)
	var invalid *compile.InvalidError
	switch {
	case errors.As(err, &invalid):
		return nil, invalid.Messages
	case err != nil:
		return nil, []string{err.Error()}
	case operation.Schedule() != "":
		return nil, unsupported(operation.Schedule())
	}
	return operation, nil
}

// logs218 responds with the lines of all pods at once. Live lines and the archive are the
// same files here. Since a job may print without end, lines are sent as they are read and
// never held in memory together.
func logs218(s *Server, query logQuery, answer *lineList) error {
	last := stamp(s.options.Now())
	if query.known {
		err := eachLine(s.executor.dir("logs", query.run.UUID), query.since, func(l line) error {
			last = l.Timestamp.Format(time.RFC3339Nano)
			return answer.add(l)
		})
		if err != nil {
			return err
		}
	}
	end := map[string]any{"last_time": nil, "last_file": nil, "files": []any{}}
	if query.live && query.known && !terminal(query.run.Status) {
		end["last_time"] = last
		for _, l := range s.executor.liveStates(query.run.UUID) {
			_ = answer.add(l) // the client may be gone
		}
	}
	return answer.close(end)
}
