package polyaxon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/run"
)

// TestRunsOfJobsCannotUseTheUsersImages submits runs as a job, with images that only the user
// may pull.
func TestRunsOfJobsCannotUseTheUsersImages(t *testing.T) {
	s := serve(t, nil, func(context.Context, string) (v1.Image, error) { return nil, errors.New("not here") })
	s.executor.options.Public = func(_ context.Context, image string) error {
		if strings.HasPrefix(image, "public.test/") {
			return nil
		}
		return errors.New("401 Unauthorized")
	}
	operation := func(image string) record {
		return record{Project: "p", RawContent: fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"version": 1.1, "kind": "component", "run": {"kind": "job",
			"init": [{"container": {"image": %q, "command": ["/a"]}}], "container": {"image": "public.test/a", "command": ["/a"]}}}}`, image)}
	}
	job := operation("private.test/own")
	for image, allowed := range map[string]bool{"public.test/b": true, "private.test/own": true, "private.test/other": false} {
		for _, submitter := range []*record{nil, &job} {
			r := operation(image)
			if submitter != nil {
				r.Grants = s.executor.grants(submitter)
			}
			_, pod, err := s.executor.resolve(&r)
			if err != nil {
				t.Fatal(err)
			}
			err = s.executor.mayUse(t.Context(), &r, pod)
			if want := allowed || submitter == nil; (err == nil) != want || err != nil && !strings.Contains(err.Error(), "image private.test/other is not allowed") || err != nil && !strings.Contains(err.Error(), "(401 Unauthorized)") {
				t.Errorf("%s, submitted by a job: %t: %v", image, submitter != nil, err)
			}
		}
	}
}

// TestJobsCannotForgeNotes sends requests with the token of a run that is active. What slipway has noted in a run stays
// as it is, and the runs of others do.
func TestJobsCannotForgeNotes(t *testing.T) {
	s := serve(t, nil, func(ctx context.Context, _ string) (v1.Image, error) {
		<-ctx.Done() // the run stays active
		return nil, ctx.Err()
	})
	const at = "/api/v1/default/p/runs"
	_, answer := ask(t, s, http.MethodPost, at, content(operation, `,"name":"base","meta_info":{"slipway":"k-base"}`))
	base := answer["uuid"].(string)
	own := submit(t, s, "train", "1")
	if code, answer := ask(t, s, http.MethodPatch, at+"/"+own, `{"meta_info":{"`+run.MetaKey+`":"k-train","slipway_gate":"failed","mine":"1"}}`); code != http.StatusOK {
		t.Fatal(answer)
	}
	as := func(uuid, method, path, body string) (int, map[string]any) {
		t.Helper()
		w := httptest.NewRecorder()
		r, admitted := s.Admit(httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)), s.executor.token(uuid))
		if !admitted {
			t.Fatal("the run is not active")
		}
		s.ServeHTTP(w, r)
		var answer map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		return w.Code, answer
	}
	_, answer = as(own, http.MethodPost, at, content(operation, `,"name":"child","meta_info":{"slipway":"k-other","theirs":"1"}`))
	child := answer["uuid"].(string)
	_, answer = as(own, http.MethodPost, at+"/"+own+"/restart", `{"meta_info":{"slipway":"k-train"}}`)
	clone := answer["uuid"].(string)
	const stream = "/streams/v1/test/default/p/runs/"
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPatch, at + "/" + own, `{"meta_info":{"slipway_gate":"met","other":"2"},"merge":true}`, 200},
		{http.MethodPatch, at + "/" + own, `{"meta_info":{"other":"3"}}`, 200},
		{http.MethodPatch, at + "/" + child, `{"meta_info":{"slipway":"k-other","theirs":"2"},"outputs":{"a":1}}`, 200},
		{http.MethodPost, at + "/" + child + "/stop", "{}", 200},
		{http.MethodGet, at + "/" + base, "", 200},
		{http.MethodPatch, at + "/" + base, `{"outputs":{"val_acc":1},"merge":true}`, 403},
		{http.MethodPost, at + "/" + base + "/statuses", `{"condition":{"type":"succeeded"},"force":true}`, 403},
		{http.MethodPost, at + "/" + base + "/stop", "{}", 403},
		{http.MethodPost, at + "/" + base + "/restart", "{}", 403},
		{http.MethodPost, at + "/" + base + "/lineage/artifacts", "[]", 403},
		{http.MethodDelete, at + "/" + base, "", 403},
		{http.MethodPost, at + "/stop", `{"uuids":["` + child + `","` + base + `"]}`, 403},
		{http.MethodDelete, at + "/delete", `{"uuids":["` + base + `"]}`, 403},
		{http.MethodPost, stream + base + "/artifact?path=outputs", "", 403},
		{http.MethodDelete, stream + base + "/artifact?path=outputs/model", "", 403},
	} {
		if got, answer := as(own, c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s: %d %v, want %d", c.method, c.path, got, answer, c.want)
		}
	}
	for uuid, want := range map[string]map[string]any{
		own:   {"slipway": "k-train", "slipway_gate": "failed", "other": "3"},
		child: {"theirs": "2"},
		clone: {},
		base:  {"slipway": "k-base"},
	} {
		if r, _ := s.store.run(uuid); !maps.Equal(orEmpty(r.MetaInfo), want) {
			t.Errorf("run %s has the meta_info %v, want %v", r.Name, r.MetaInfo, want)
		}
	}
	if r, _ := s.store.run(base); r.Outputs != nil || r.Deleted || r.Status == succeeded || r.Status == stopped {
		t.Errorf("the run of others is now %+v", r)
	}
}
