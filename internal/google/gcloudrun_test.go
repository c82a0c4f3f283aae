package google_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestGcloudSetsUp runs the commands of docs/google.md as printed, with gcloud itself, against a
// server that takes down what it asks for: the pool, the provider and the roles of the page.
func TestGcloudSetsUp(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("gcloud")
	if err != nil || !testenv.Demanded() {
		t.Skip("it runs gcloud, where that is installed, for seconds; TestGcloudReference compares the commands with its reference")
	}
	const pools = "/v1/projects/acme-ml/locations/global/workloadIdentityPools"
	grant := func(resource, role string) string {
		return `POST /v1/projects/acme-ml` + resource + `:setIamPolicy {"policy": {"bindings": [{"members": ["principalSet://iam.googleapis.com/projects/123456789012/` +
			`locations/global/workloadIdentityPools/ci/attribute.repository/acme/fraud-detection"], "role": "` + role + `"}], "etag": "BwY=", "version": 3}}`
	}
	want := []string{
		`GET /v1/projects/acme-ml`,
		`POST ` + pools + `?workloadIdentityPoolId=ci {"disabled": false}`,
		`POST ` + pools + `/ci/providers?workloadIdentityPoolProviderId=github {"attributeCondition": "assertion.repository_owner == 'acme'", ` +
			`"attributeMapping": {"attribute.repository": "assertion.repository", "google.subject": "assertion.sub"}, "disabled": false, "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"}}`,
		`POST ` + pools + `/ci/providers?workloadIdentityPoolProviderId=gitlab {"attributeCondition": "assertion.namespace_path == 'acme'", ` +
			`"attributeMapping": {"attribute.project_path": "assertion.project_path", "google.subject": "assertion.sub"}, "disabled": false, "oidc": {"issuerUri": "https://gitlab.com"}}`,
		`POST /v1/projects/acme-ml/serviceAccounts {"accountId": "deployer", "serviceAccount": {}}`,
		`POST /v1/projects/acme-ml/services:batchEnable {"serviceIds": ["iam.googleapis.com", "cloudresourcemanager.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com"]}`,
		`POST /v1/projects/-/serviceAccounts/deployer@acme-ml.iam.gserviceaccount.com/keys {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE"}`,
		grant("", "roles/container.developer"),
		strings.Replace(grant("/locations/europe-west4/repositories/team-a", "roles/artifactregistry.writer"), `, "version": 3`, "", 1), // its policies have no version
		grant("/secrets/mlflow-password", "roles/secretmanager.secretAccessor"),
	}
	asked := new(recorder)
	server := httptest.NewServer(asked)
	t.Cleanup(server.Close)
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "CLOUDSDK_CONFIG="+filepath.Join(home, "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="+filepath.Join(home, "token"), "PATH="+filepath.Dir(program)+":/usr/bin:/bin")
	for _, service := range []string{"IAM", "SECRETMANAGER", "CLOUDRESOURCEMANAGER", "SERVICEUSAGE", "ARTIFACTREGISTRY"} {
		env = append(env, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"+service+"="+server.URL+"/")
	}
	if err := os.WriteFile(filepath.Join(home, "token"), []byte("a-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(line string) {
		command := exec.CommandContext(t.Context(), "sh", "-c", line)
		command.Dir, command.Env = home, env
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	filled := strings.NewReplacer("projects/NUMBER", "projects/123456789012", "POOL", "projects/123456789012/locations/global/workloadIdentityPools/ci", "OWNER", "acme",
		"REPOSITORY", "fraud-detection", "ACCOUNT", "deployer", "PROJECT", "acme-ml")
	run("gcloud config set project " + googletest.Project)
	var all sync.WaitGroup
	for _, line := range gcloudCommands(t, "../../docs/google.md") {
		if !strings.HasPrefix(line, "gcloud auth ") && !strings.HasPrefix(line, "gcloud config ") { // a browser's login, and what ran before
			all.Go(func() { run(filled.Replace(line)) })
		}
	}
	all.Wait()
	slices.Sort(want)
	slices.Sort(asked.changes)
	if !slices.Equal(asked.changes, want) {
		t.Errorf("gcloud asked for\n%s\nwant\n%s", strings.Join(asked.changes, "\n"), strings.Join(want, "\n"))
	}
	if key, err := os.ReadFile(filepath.Join(home, "key.json")); err != nil || string(key) != "the key" {
		t.Errorf("key.json: %q, %v", key, err)
	}
}

// recorder answers as IAM, Secret Manager and the Resource Manager do, and takes down the requests
// but those that read a policy.
type recorder struct {
	mu      sync.Mutex
	changes []string
}

// noise matches the parameters of requests that say nothing.
var noise = regexp.MustCompile(`alt=json&?`)

// ServeHTTP implements http.Handler.
func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(request.URL.Path, ":getIamPolicy") {
		_, _ = io.WriteString(w, `{"etag": "BwY="}`)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := strings.TrimSuffix(noise.ReplaceAllString(request.URL.RequestURI(), ""), "?")
	r.changes = append(r.changes, strings.TrimSpace(request.Method+" "+at+" "+string(body)))
	switch {
	case strings.HasSuffix(request.URL.Path, "/keys"):
		fmt.Fprintf(w, `{"name": "projects/acme-ml/serviceAccounts/deployer@acme-ml.iam.gserviceaccount.com/keys/1", "privateKeyData": %q}`, base64.StdEncoding.EncodeToString([]byte("the key")))
	case strings.HasSuffix(request.URL.Path, ":setIamPolicy"):
		_, _ = io.WriteString(w, `{"version": 3}`)
	case request.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"projectId": "acme-ml", "projectNumber": "123456789012"}`)
	default:
		_, _ = io.WriteString(w, `{"name": "operations/1", "done": true, "response": {}}`)
	}
}
