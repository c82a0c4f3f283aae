package polyaxon

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request) {
	if s.project(r.PathValue("project")) == nil {
		notFound(w, "Project")
		return
	}
	query := r.URL.Query()
	match, err := s.dialect.query(query.Get("query"))
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
	s.dialect.listed.sort(found, query.Get("sort"))
	results := make([]any, len(found))
	for i := range found {
		results[i] = s.dialect.omitMissing(formRun, viewOfItem(found[i], s.options.Namespace))
	}
	s.dialect.listed.page(w, r, results, defaultPage)
}

// query parses `status:running|queued,name:train,meta_info.key:~value`.
func (d *dialect) query(text string) (func(record) bool, error) {
	var all []func(record) bool
	for _, term := range strings.Split(text, ",") {
		if strings.TrimSpace(term) == "" {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(term), ":")
		if !ok {
			return nil, fmt.Errorf("Expression is not valid, it must be formatted as name:operation, received `%s`", term) //nolint:staticcheck // the server's words
		}
		field, err := d.field(key)
		if err != nil {
			return nil, err
		}
		negated := strings.HasPrefix(value, "~")
		values := strings.Split(strings.TrimPrefix(value, "~"), "|")
		all = append(all, func(r record) bool {
			matched := slices.ContainsFunc(field(r), func(has string) bool {
				return slices.ContainsFunc(values, func(v string) bool { return matches(has, v) })
			})
			return matched != negated
		})
	}
	return func(r record) bool {
		return !slices.ContainsFunc(all, func(match func(record) bool) bool { return !match(r) })
	}, nil
}

// field returns a function for the values of a run that a query's key stands for.
func (d *dialect) field(key string) (func(record) []string, error) {
	if name, ok := strings.CutPrefix(key, "meta_info."); ok {
		return func(r record) []string {
			value, ok := r.MetaInfo[name]
			if !ok {
				return nil
			}
			return []string{fmt.Sprint(value)}
		}, nil
	}
	fields := map[string]func(record) []string{
		"status": func(r record) []string { return []string{r.Status} }, "name": func(r record) []string { return []string{r.Name} },
		"uuid": func(r record) []string { return []string{r.UUID} }, "kind": func(r record) []string { return []string{r.Kind} },
	}
	maps.Copy(fields, d.queries)
	if field, ok := fields[key]; ok {
		return field, nil
	}
	return nil, fmt.Errorf("key `%s` is not supported by the query manager `run`", key)
}

// matches reports whether text matches pattern, in which % at either end matches
// anything.
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
