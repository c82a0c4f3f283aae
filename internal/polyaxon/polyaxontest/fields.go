package polyaxontest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// The fields in the responses of a real 2.18 server. Polyaxon's own client and command
// line read them without checking that they exist.
const (
	projectFields = "bookmarked created_at description live_state name readme tags updated_at user uuid"
	createdFields = "content description is_managed kind managed_by meta_info name pending settings tags uuid"
	clonedFields  = "created_at duration finished_at inputs is_managed kind managed_by meta_info name original outputs owner pending pipeline project " +
		"runtime schedule_at settings started_at status tags updated_at user uuid wait_time"
	listedFields = "bookmarked created_at duration finished_at inputs is_managed kind managed_by meta_info name original outputs pending pipeline " +
		"resources runtime schedule_at settings started_at status tags updated_at user uuid wait_time"
	wholeFields = "bookmarked content created_at description duration finished_at inputs is_managed kind live_state managed_by meta_info name original " +
		"outputs owner pending pipeline project raw_content readme resources runtime schedule_at settings started_at status tags updated_at user uuid wait_time"
	settingsFields  = "agent artifacts artifacts_store build component models namespace queue tensorboard"
	statusesFields  = "meta_info status status_conditions uuid"
	conditionFields = "last_transition_time last_update_time message reason status type"
)

// fields checks that the server's responses have all these fields.
func (s *suite) fields(t *testing.T) {
	if s.Version.Major < 2 {
		t.Skip("of 1.11.3 only what slipway reads was recorded")
	}
	api := "/api/v1/default/" + project
	s.has(t, projectFields, s.ask(t, http.MethodGet, api, nil))
	made := s.ask(t, http.MethodPost, api+"/runs", map[string]any{"content": s.operation(nil, "print=fields"), "is_managed": true})
	s.has(t, createdFields, made)
	uuid, _ := made["uuid"].(string)
	s.becomes(t, uuid, polyaxon.Succeeded)
	whole := s.ask(t, http.MethodGet, api+"/runs/"+uuid, nil)
	s.has(t, wholeFields, whole)
	settings, _ := whole["settings"].(map[string]any)
	s.has(t, settingsFields, settings)
	listed, _ := s.ask(t, http.MethodGet, api+"/runs?limit=1", nil)["results"].([]any)
	for _, one := range listed {
		s.has(t, listedFields, one.(map[string]any))
	}
	statuses := s.ask(t, http.MethodGet, api+"/runs/"+uuid+"/statuses", nil)
	s.has(t, statusesFields, statuses)
	for _, condition := range statuses["status_conditions"].([]any) {
		s.has(t, conditionFields, condition.(map[string]any))
	}
	s.has(t, clonedFields, s.ask(t, http.MethodPost, api+"/runs/"+uuid+"/restart", map[string]any{}))
}

// moved transfers a run to another project, and renames a project.
func (s *suite) moved(t *testing.T) {
	if s.Version.Major < 2 {
		t.Skip("not recorded of 1.11.3")
	}
	must(t, s.Client.EnsureProject(s.ctx, "moved-from"))
	must(t, s.Client.EnsureProject(s.ctx, "moved-to"))
	made, err := s.Client.CreateRun(s.ctx, "moved-from", polyaxon.CreateRun{Content: s.operation(nil, "print=moved"), Pending: "approval"})
	must(t, err)
	for _, body := range []string{`{}`, `{"project":"nope"}`} {
		s.answers(t, 400, http.MethodPost, "/api/v1/default/moved-from/runs/"+made.UUID+"/transfer", body)
	}
	s.answers(t, 200, http.MethodPost, "/api/v1/default/moved-from/runs/"+made.UUID+"/transfer", `{"project":"moved-to"}`)
	s.answers(t, 404, http.MethodGet, "/api/v1/default/moved-from/runs/"+made.UUID, "")
	s.answers(t, 200, http.MethodGet, "/api/v1/default/moved-to/runs/"+made.UUID, "")
	s.answers(t, 200, http.MethodPost, "/api/v1/default/moved-to/runs/"+made.UUID+"/invalidate", "")
	s.answers(t, 400, http.MethodPatch, "/api/v1/default/moved-to", `{"name":"a b"}`)
	s.answers(t, 200, http.MethodPatch, "/api/v1/default/moved-to", `{"name":"moved-renamed","description":"new"}`)
	s.answers(t, 404, http.MethodGet, "/api/v1/default/moved-to", "")
	s.answers(t, 200, http.MethodGet, "/api/v1/default/moved-renamed/runs/"+made.UUID, "")
	for _, name := range []string{"moved-from", "moved-renamed"} {
		must(t, s.Client.DeleteProject(s.ctx, name))
	}
}

// has checks that a response has all of the fields, whose names are separated by spaces.
func (s *suite) has(t *testing.T, fields string, answer map[string]any) {
	t.Helper()
	for _, name := range strings.Fields(fields) {
		if _, ok := answer[name]; !ok {
			t.Errorf("an answer has no field %s, but %s", name, slices.Sorted(maps.Keys(answer)))
		}
	}
}

// ask sends a request and decodes the response, which must be successful.
func (s *suite) ask(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	text := []byte(nil)
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		must(t, err)
	}
	code, answer := s.exchange(t, method, path, text)
	var decoded map[string]any
	if err := json.Unmarshal(answer, &decoded); err != nil || code >= 300 {
		t.Fatalf("%s %s answers %d: %s", method, path, code, answer)
	}
	return decoded
}

// answers checks the status code of the response to a request.
func (s *suite) answers(t *testing.T, want int, method, path, body string) {
	t.Helper()
	if code, answer := s.exchange(t, method, path, []byte(body)); code != want {
		t.Errorf("%s %s %s answers %d, not %d: %s", method, path, body, code, want, answer)
	}
}

// exchange sends a request and returns the status code and the body of the response.
func (s *suite) exchange(t *testing.T, method, path string, body []byte) (code int, answer []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, method, s.Client.Host()+path, bytes.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	if token := s.Token.Reveal(); len(token) > 0 {
		request.Header.Set("Authorization", "Token "+string(token))
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, answer
}
