package tasks

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestSecretManagerEverywhere has a secret of Secret Manager in each place where slipway.yaml takes
// a source, and looks at where its value belongs. TestSecretManagerInBuild has those of builds.
func TestSecretManagerEverywhere(t *testing.T) {
	var authorized atomic.Int32
	polyaxon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("Authorization"), "oken value-of-polyaxon") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		authorized.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"version": "2.18.0", "dist": "ce", "count": 0, "results": []}`)
	}))
	defer polyaxon.Close()
	c, env, events := inCloud(t, map[string]string{"slipway.yaml": inGoogle + "polyaxon: {host: '" + polyaxon.URL + "', token: '" + managed("polyaxon") + "'}\n" +
		"mlflow: {tracking-uri: 'https://mlflow.acme.dev', username: ada, password: '" + managed("mlflow") + "'}\n" +
		"secrets:\n  opaque: {data: {key: '" + managed("data") + "'}}\n  web: {tls: {cert: '" + managed("cert") + "', key: '" + managed("key") + "'}}\n" +
		"  git: {basic-auth: {username: ada, password: '" + managed("basic") + "'}}\n" +
		"  gcr: {docker-registry: {server: 'https://gcr.io', service-account-key: '" + managed("account") + "'}}\n" +
		"jobs: {train: {polyaxonfile: job.yml, credentials: false, params: {TOKEN: 'secret:" + managed("param") + "'}}}\n",
		"job.yml": strings.Replace(jobFile, "{name: DOCKER_IMAGE, type: str}", "{name: TOKEN, type: str}, {name: DOCKER_IMAGE, type: str, value: 'a:1', isOptional: true}", 1)})
	cert, key := certified(t, -time.Hour, time.Hour)
	account := string(c.NewKey(c.Account("puller")))
	values := map[string]string{"polyaxon": "value-of-polyaxon", "mlflow": "value-of-mlflow", "data": "value-of-data", "cert": cert, "key": key,
		"basic": "value-of-basic", "account": account, "param": "value-of-param"}
	for name, value := range values {
		c.AddSecret(name, &googletest.Version{Value: []byte(value)})
	}
	if synced, err := SecretsSync(t.Context(), env, SecretsOptions{}); err != nil || len(synced.Secrets) != 6 {
		t.Fatalf("%+v, %v\n%s", synced, err, events)
	}
	for at, want := range map[string]string{
		"opaque/key": values["data"], "web/tls.crt": cert, "web/tls.key": key, "git/password": values["basic"],
		"gcr/.dockerconfigjson": base64.StdEncoding.EncodeToString([]byte("_json_key:" + account)),
		"slipway-story-mlflow/": values["mlflow"], "slipway-story-train-params/": values["param"],
	} {
		name, key, _ := strings.Cut(at, "/")
		if got := c.stored(t, name, key); !strings.Contains(got, want) {
			t.Errorf("secret %s has %q, want %q", at, got, want)
		}
	}
	if _, err := Runs(t.Context(), env, RunsOptions{}); err != nil || authorized.Load() == 0 {
		t.Errorf("Polyaxon was asked %d times with its token: %v", authorized.Load(), err)
	}
	const unmasked = "not all secrets of slipway.yaml can be read, so that they are not masked: "
	c.AddSecret("data", &googletest.Version{State: "DISABLED"})
	if _, err := Runs(t.Context(), env, RunsOptions{}); err != nil || strings.Count(events.String(), unmasked) != 1 || !strings.Contains(events.String(), "secrets/data, which is its latest one, is disabled") {
		t.Errorf("one secret cannot be read: %v\n%s", err, events)
	}
	for _, value := range values {
		if strings.Contains(events.String(), value) {
			t.Errorf("an event shows %q", value)
		}
	}
	noneOnDisk(t, []string{"value-of-", key, account})
}

// stored returns the value of a key of a secret in the cluster, or those of all keys.
func (c *googleCloud) stored(t *testing.T, name, key string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	c.objects.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/namespaces/polyaxon-v1/secrets/"+name, nil))
	var found corev1.Secret
	if err := json.Unmarshal(answer.Body.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	all := ""
	for name, value := range found.Data {
		if key == "" || name == key {
			all += string(value)
		}
	}
	return all
}

// TestSecretManagerInBuild gives a secret of Secret Manager to a RUN of a Dockerfile.
func TestSecretManagerInBuild(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("it starts BuildKit")
	}
	builder, host := testenv.BuildKit(t), testenv.Registry(t)
	testenv.Programs(t, host+"/tools:1", "git")
	c, env, events := inCloud(t, map[string]string{
		"slipway.yaml": strings.Replace(inGoogle, googleHost+"/acme-ml/team", host+"/acme", 1) + "images: {api: {dockerfile: Dockerfile, build-secrets: {pip: '" + managed("pip") + "'}}}\n",
		"Dockerfile":   "FROM --platform=linux/amd64 " + host + "/tools:1\nRUN --mount=type=secret,id=pip test \"$(cat /run/secrets/pip)\" = value-of-pip\n",
	})
	c.AddSecret("pip", &googletest.Version{Value: []byte("value-of-pip")})
	env.Environ = append(os.Environ(), "BUILDKIT_HOST="+builder)
	if built, err := Build(t.Context(), env, BuildOptions{}); err != nil || built.Images[0].Action != "pushed" {
		t.Fatalf("%v\n%s", err, events)
	}
	wrong := "FROM --platform=linux/amd64 " + host + "/tools:1\nRUN --mount=type=secret,id=pip test \"$(cat /run/secrets/pip)\" = another-value\n"
	if err := os.WriteFile("Dockerfile", []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), env, BuildOptions{}); ExitCode(err) == ExitOK {
		t.Error("the value does not count")
	}
}
