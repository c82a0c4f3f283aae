package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testenv"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// shared provides the server that tests share.
var shared testenv.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// server returns the address of the shared server, which has the connections of agent.
func server(t *testing.T) string {
	t.Helper()
	connections, err := json.Marshal(agentCatalog()["connections"])
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("POLYAXON_AGENT_CONNECTIONS", string(connections))
	return shared.Polyaxon(t)
}

// TestServer compares what slipway makes of the shipped components with what a real
// server makes of them. The server accepts what render prints, and compiles it to what
// render --compiled prints.
func TestServer(t *testing.T) {
	host := server(t)
	ask(t, http.MethodPost, host+"/api/v1/default/projects/create", map[string]any{"name": "compile"}, nil)
	t.Run("globals", func(t *testing.T) {
		f, err := check.Parse("globals.yml", []byte(globalsYML))
		if err != nil {
			t.Fatal(err)
		}
		operation, err := fill.Operation(f, fill.Fill{Name: "globals"})
		if err != nil {
			t.Fatal(err)
		}
		compareWithServer(t, host, operation)
	})
	for _, name := range components.Names() {
		t.Run(name, func(t *testing.T) {
			text, err := components.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := check.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			given := fill.Fill{Name: name, Image: "r/i@sha256:0000000000000000000000000000000000000000000000000000000000000000", Params: map[string]any{}, Timeout: time.Hour}
			for _, input := range fill.Inputs(f) {
				if input == "COMMAND" {
					given.Params[input] = []any{"python", "-c", "print('{\"a\": 1}')"}
				}
			}
			operation, err := fill.Operation(f, given)
			if err != nil {
				t.Fatal(err)
			}
			compareWithServer(t, host, operation)
		})
	}
}

// globalsYML is a component that prints what a run can read about itself.
const globalsYML = `version: 1.1
kind: component
inputs: [{name: x, type: int, value: 3}, {name: none, isOptional: true}]
run:
  kind: service
  ports: [80, 81]
  rewritePath: true
  connections: [repo]
  container:
    image: a
    args:
    - "{{ globals.owner_name }} {{ globals.project_name }} {{ globals.project_unique_name }} {{ globals.run_info }} {{ globals.name }} {{ globals.uuid }}"
    - "{{ globals.namespace }} {{ globals.iteration }} {{ globals.context_path }} {{ globals.artifacts_path }} {{ globals.store_path }}"
    - "{{ globals.run_artifacts_path }} {{ globals.run_outputs_path }} {{ globals.run_relative_outputs_path }} {{ globals.created_at }}"
    - "{{ globals.schedule_at }} {{ globals.started_at }} {{ globals.finished_at }} {{ globals.duration }} {{ globals.cloning_kind }} {{ globals.original_uuid }}"
    - "{{ globals.is_independent }} {{ globals.ports }} {{ globals.base_url }} {{ globals.base_urls }} {{ connections['repo'].url }} {{ params.as_args }}"
    env: [{name: A, value: "{{ x }}"}, {name: B, value: "1e3"}]
`

// compareWithServer submits an operation that is only compiled, and compares the results.
func compareWithServer(t *testing.T, host string, operation *operation.Operation) {
	t.Helper()
	runs := host + "/api/v1/default/compile/runs"
	var made struct{ UUID, Name string }
	ask(t, http.MethodPost, runs, map[string]any{"content": string(operation.JSON()), "managed_by": "cli"}, &made)
	var run struct {
		Content, Status string
		Name            string
		Created         time.Time `json:"created_at"`
	}
	var told struct {
		Conditions []struct{ Type, Message string } `json:"status_conditions"`
	}
	for deadline := time.Now().Add(time.Minute); run.Status != "compiled" && run.Status != "failed" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ask(t, http.MethodGet, runs+"/"+made.UUID, nil, &run)
	}
	ask(t, http.MethodGet, runs+"/"+made.UUID+"/statuses", nil, &told)
	if run.Status != "compiled" {
		t.Fatalf("the run is %s: %v", run.Status, told.Conditions)
	}
	compiled, err := Operation(operation.JSON(), schema.Version{})
	if err != nil {
		t.Fatal(err)
	}
	x := testContext()
	x.Project, x.Name, x.UUID, x.Created, x.Store, x.Namespace = "compile", run.Name, made.UUID, run.Created, Connection{}, "sandbox"
	resolved, err := compiled.Resolve(x)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(run.Content), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, parsed(resolved)); diff != "" {
		t.Error(diff)
	}
}

// ask sends a request and decodes the response. It retries a write that fails because the
// database is busy.
func ask(t *testing.T, method, url string, body, into any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var said string
	for range 5 {
		request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var answer bytes.Buffer
		_, err = answer.ReadFrom(response.Body)
		_ = response.Body.Close()
		switch {
		case err != nil:
			t.Fatal(err)
		case response.StatusCode < http.StatusMultipleChoices:
			if into != nil {
				if err := json.Unmarshal(answer.Bytes(), into); err != nil {
					t.Fatal(err)
				}
			}
			return
		}
		said = fmt.Sprintf("%d: %s", response.StatusCode, answer.String())
		if response.StatusCode != http.StatusMethodNotAllowed {
			break
		}
	}
	t.Fatalf("%s %s: %s", method, url, said)
}
