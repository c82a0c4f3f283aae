package polyaxon

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request) {
	if s.project(r.PathValue("project")) == nil {
		notFound(w, "Project")
		return
	}
	query := r.URL.Query()
	match, err := parseQuery(query.Get("query"))
	if err != nil {
		reply(w, http.StatusBadRequest, []string{"Error applying or resolving queryset, " + err.Error()})
		return
	}
	var found []record
	for _, run := range s.store.ofProject(r.PathValue("project")) {
		if match(run) {
			found = append(found, run)
		}
	}
	if sort := query.Get("sort"); sort == "created_at" || sort == "updated_at" {
		slices.Reverse(found)
	}
	limit, offset := 20, 0
	if n, err := strconv.Atoi(query.Get("limit")); err == nil {
		if limit = n; n <= 0 {
			limit = 100
		}
	}
	if n, err := strconv.Atoi(query.Get("offset")); err == nil {
		offset = max(0, n)
	}
	results := []any{}
	for i := offset; i < len(found) && len(results) < limit; i++ {
		results = append(results, viewOfItem(found[i], s.options.Namespace))
	}
	reply(w, http.StatusOK, page(len(found), results))
}

// parseQuery reads `status:running|queued,name:train,meta_info.key:~value`.
func parseQuery(text string) (func(record) bool, error) {
	var all []func(record) bool
	for _, term := range strings.Split(text, ",") {
		if strings.TrimSpace(term) == "" {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(term), ":")
		if !ok {
			return nil, fmt.Errorf("Expression is not valid, it must be formatted as name:operation, received `%s`", term) //nolint:staticcheck // the server's words
		}
		field, err := queryField(key)
		if err != nil {
			return nil, err
		}
		negated := strings.HasPrefix(value, "~")
		values := strings.Split(strings.TrimPrefix(value, "~"), "|")
		all = append(all, func(r record) bool {
			matched := slices.ContainsFunc(values, func(v string) bool { return matches(field(r), v) })
			return matched != negated
		})
	}
	return func(r record) bool {
		return !slices.ContainsFunc(all, func(match func(record) bool) bool { return !match(r) })
	}, nil
}

func queryField(key string) (func(record) string, error) {
	if name, ok := strings.CutPrefix(key, "meta_info."); ok {
		return func(r record) string {
			value, ok := r.MetaInfo[name]
			if !ok {
				return "\x00"
			}
			return fmt.Sprint(value)
		}, nil
	}
	fields := map[string]func(record) string{
		"status": func(r record) string { return r.Status }, "name": func(r record) string { return r.Name },
		"uuid": func(r record) string { return r.UUID }, "kind": func(r record) string { return r.Kind },
		"runtime": func(r record) string { return r.Runtime }, "description": func(r record) string { return r.Description },
		"managed_by": func(r record) string { return r.ManagedBy },
	}
	if field, ok := fields[key]; ok {
		return field, nil
	}
	return nil, fmt.Errorf("key `%s` is not supported by the query manager `run`", key)
}

// matches compares with % standing for anything at either end.
func matches(text, pattern string) bool {
	middle := strings.Trim(pattern, "%")
	before, after := strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	switch {
	case before && after:
		return strings.Contains(text, middle)
	case before:
		return strings.HasSuffix(text, middle)
	case after:
		return strings.HasPrefix(text, middle)
	}
	return text == pattern
}
