package runs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
)

// A run that did not meet what its job required, or that nothing has checked, is never the last
// that passed.
func TestLastPassed(t *testing.T) {
	requires := map[string]string{"val_acc": ">= 0.9"}
	for name, test := range map[string]struct {
		require map[string]string
		gates   []string // newest first; "" for none
		want    string
	}{
		"the newest":                     {nil, []string{"", ""}, "a"},
		"met":                            {requires, []string{"met", ""}, "a"},
		"failed is left out":             {requires, []string{"failed", "pending", "met"}, "c"},
		"unchecked, and required now":    {requires, []string{"", "met"}, "b"},
		"failed, and no longer required": {nil, []string{"failed", ""}, "b"},
		"nothing was required":           {nil, []string{"none", ""}, "a"},
		"nothing was required then":      {requires, []string{"none", "met"}, "b"},
		"none has passed":                {requires, []string{"failed", ""}, ""},
		"of a job that requires nothing": {nil, []string{"met"}, "a"},
		"no run":                         {nil, nil, ""},
		"not submitted by slipway":       {nil, []string{"other", ""}, "b"},
		"a renamed run of another job":   {nil, []string{"renamed", ""}, "b"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if last := path.Base(r.URL.Path); last != "runs" {
				_ = json.NewEncoder(w).Encode(map[string]any{"uuid": last, "name": "train"})
				return
			}
			var page []map[string]any
			for n, gate := range test.gates {
				meta := map[string]any{run.MetaKey: "k-1", project.MetaJob: "train"}
				switch gate {
				case "":
					delete(meta, project.MetaJob) // of an earlier version of slipway
				case "other":
					clear(meta)
				case "renamed":
					meta[project.MetaJob] = "process-data"
				default:
					meta[project.MetaGate] = gate
				}
				page = append(page, map[string]any{"uuid": string(rune('a' + n)), "name": "train", "meta_info": meta})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"count": len(page), "results": page})
		}))
		defer server.Close()
		client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		jobs := map[string]*config.Job{"train": {Name: "train", Require: test.require}}
		to := &platform.Platform{Project: &project.Project{Config: &config.Config{Project: "story", Jobs: jobs}}, Polyaxon: client}
		got, err := LastPassed(t.Context(), to, "train")
		if err != nil || (got == nil) != (test.want == "") || got != nil && got.UUID != test.want {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, test.want)
		}
	}
}
