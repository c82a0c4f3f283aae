package cli_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestGoogleEchoes lets Google's services, a cluster of GKE, a registry of Google and
// Polyaxon echo what they are sent. No output of slipway may contain a part of the key, a
// token, or a value of Secret Manager.
func TestGoogleEchoes(t *testing.T) {
	const host = "europe-west4-docker.pkg.dev"
	server, kubernetes := echo(t, httptest.NewServer), echo(t, httptest.NewTLSServer)
	asking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		if sent == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="Artifact Registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": sent + " " + password}}})
	}))
	t.Cleanup(asking.Close)
	at, err := url.Parse(asking.URL)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\nregistry: " + host + "/acme-ml/team\ngoogle: {credentials: env:GCP_SA_KEY}\n" +
			"polyaxon: {host: \"" + server.URL + "\", token: \"gcp-secret-manager:projects/acme-ml/secrets/plx\"}\n" +
			"cluster: {gke: {project: acme-ml, location: europe-west4, name: ml}, namespace: team}\n" +
			"images: {job: {files: [job.yml]}}\nsecrets: {pull: {data: {PULL: \"gcp-secret-manager:projects/acme-ml/secrets/pull\"}}}\n",
		"job.yml": "version: 1.1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return tasks.Runs(ctx, env, tasks.RunsOptions{})
	}
	sync := func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return tasks.SecretsSync(ctx, env, tasks.SecretsOptions{})
	}
	build := func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return tasks.Build(ctx, env, tasks.BuildOptions{})
	}
	refusal := `{"error": {"code": 403, "message": "` + googletest.Echo + `", "status": "PERMISSION_DENIED"}}`
	for name, test := range map[string]struct {
		task  cli.Task
		fault googletest.Fault
	}{
		"polyaxon":       {run, googletest.Fault{}},
		"kubernetes":     {sync, googletest.Fault{}},
		"registry":       {build, googletest.Fault{}},
		"oauth":          {sync, googletest.Fault{Service: "oauth2", Code: 400, Body: `{"error": "invalid_grant", "error_description": "` + googletest.Echo + `"}`}},
		"GKE":            {sync, googletest.Fault{Service: "container", Code: 403, Body: refusal}},
		"Secret Manager": {sync, googletest.Fault{Service: "secretmanager", Code: 403, Body: refusal}},
		"a proxy":        {sync, googletest.Fault{Service: "secretmanager", Code: 403, Body: googletest.Echo}},
	} {
		for _, output := range []string{"text", "json"} {
			t.Run(name+" "+output, func(t *testing.T) {
				cloud := googletest.New(t)
				key := string(cloud.NewKey(cloud.Account("deployer")))
				cloud.AddSecret("plx", &googletest.Version{Value: []byte(polyaxonToken)})
				cloud.AddSecret("pull", &googletest.Version{Value: []byte(pullSecret)})
				cloud.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: kubernetes.Listener.Addr().String(),
					Authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: kubernetes.Certificate().Raw})})
				cloud.Fail(test.fault)
				for name, value := range map[string]string{
					"DOCKER_CONFIG": t.TempDir(), "GCP_SA_KEY": key, "GITHUB_ACTIONS": "true",
					"GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
				} {
					t.Setenv(name, value)
				}
				var out, told bytes.Buffer
				d := cli.Open()
				d.Dir, d.Output, d.Stdout, d.Stderr, d.Verbose = dir, output, &out, &told, true
				err := d.Run(t.Context(), func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
					env.Transport = cloud.World(routed{host, at})
					return test.task(ctx, env)
				})
				if err == nil {
					t.Fatal("it succeeded")
				}
				summary, _ := os.ReadFile(filepath.Join(dir, "summary"))
				said := regexp.MustCompile(`(?m)^::add-mask::.*\n`).ReplaceAllString(told.String(), "") + out.String() + string(summary)
				if !strings.Contains(said, "***") {
					t.Errorf("nothing was echoed: %s", said)
				}
				var file struct {
					ID      string `json:"private_key_id"`
					Private string `json:"private_key"`
				}
				if err := json.Unmarshal([]byte(key), &file); err != nil {
					t.Fatal(err)
				}
				canaries := append(strings.Split(file.Private, "\n")[1:4], file.ID, polyaxonToken, pullSecret)
				for _, value := range append(canaries, cloud.Tokens()...) {
					for form, text := range map[string]string{"as it is": value, "in base64": base64.StdEncoding.EncodeToString([]byte("Bearer " + value))[12:], "as a password": base64.StdEncoding.EncodeToString([]byte("oauth2accesstoken:" + value))} {
						if strings.Contains(said, text) {
							t.Errorf("%s is shown %s:\n%s", value, form, said)
						}
					}
				}
				for _, value := range cloud.Tokens() {
					if !strings.Contains(told.String(), "::add-mask::"+value+"\n") {
						t.Errorf("the runner is not told of the token")
					}
				}
			})
		}
	}
}

// routed is a transport whose requests for a host go to another address.
type routed struct {
	host string
	to   *url.URL
}

// RoundTrip implements http.RoundTripper.
func (r routed) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == r.host {
		request = request.Clone(request.Context())
		request.URL.Scheme, request.URL.Host = r.to.Scheme, r.to.Host
	}
	return http.DefaultTransport.RoundTrip(request)
}
