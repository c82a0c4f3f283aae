package tasks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// TestDoctorShowsNoSecret puts a canary into every kind of source, wherever one may stand, and
// into addresses. All servers refuse and echo what they were sent. No output of doctor and of
// cluster status has one, as text and as JSON.
func TestDoctorShowsNoSecret(t *testing.T) {
	for _, code := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			server := httptest.NewServer(echo(code))
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			canary := func(n int) string { return fmt.Sprintf("canary-%02d-value", n) }
			cloud, env, events := inCloud(t, map[string]string{
				"slipway.yaml": inGoogle + strings.NewReplacer("SERVER", host, "USERINFO", canary(1)).Replace("polyaxon: {host: 'http://SERVER', token: env:TOKEN}\n"+
					"mlflow: {tracking-uri: 'http://SERVER', username: anna, password: 'file:mlflow.txt'}\n"+
					"images:\n  api: {dockerfile: Dockerfile, build-args: {INDEX: 'https://u:USERINFO@SERVER/simple'}, build-secrets: {pip: '"+managed("pip")+"', npm: env:NPM}}\n"+
					"  app: {files: [a.py], base: 'SERVER/base:1'}\n"+
					"secrets:\n  db: {data: {a: env:DATA, b: 'file:data.txt', c: '"+managed("db")+"'}}\n"+
					"  pull: {basic-auth: {username: ci, password: env:PULL}}\n"+
					"jobs: {train: {polyaxonfile: job.yml, params: {TOKEN: 'secret:env:PARAM'}}}\n"),
				"Dockerfile": "FROM " + host + "/base:2\n", "a.py": "print(1)\n", "mlflow.txt": canary(2), "data.txt": canary(3),
				"job.yml": strings.Replace(jobFile, "inputs: [{name: DOCKER_IMAGE, type: str}]", "inputs: [{name: TOKEN, type: str}]", 1),
			})
			cloud.AddSecret("pip", &googletest.Version{Value: []byte(canary(4))})
			cloud.AddSecret("db", &googletest.Version{Value: []byte(canary(5))})
			cloud.images.Next, cloud.objects.Next = echo(code), echo(code)
			key, values := env.Lookup, map[string]string{"TOKEN": canary(6), "NPM": canary(7), "DATA": canary(8), "PULL": canary(9), "PARAM": canary(10)}
			env.Lookup = func(name string) (string, bool) {
				if value, ok := values[name]; ok {
					return value, true
				}
				return key(name)
			}
			// Docker's configuration has a login for the registry of the bases.
			login := `{"auths": {"` + host + `": {"username": "ci", "password": "` + canary(11) + `"}}}`
			if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(login), 0o600); err != nil {
				t.Fatal(err)
			}
			env.Environ = append(os.Environ(), "BUILDKIT_HOST=tcp://u:"+canary(12)+"@"+host)
			masker := secret.NewMasker()
			env.Secrets = masker
			result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
			if result == nil {
				t.Fatal(err)
			}
			if ExitCode(err) != ExitStep && ExitCode(err) != ExitUsage {
				t.Errorf("exit code %d: %v", ExitCode(err), err)
			}
			out := masker.Mask(told(t, result) + err.Error() + events.String()) // as the writers of the command do
			for _, system := range []string{"registry", "bases", "cluster", "polyaxon", "mlflow", "builder"} {
				if outcome(result, system) == "ok" {
					t.Errorf("%s is ok\n%s", system, out)
				}
			}
			events.text.Reset()
			looked, err := ClusterStatus(t.Context(), env)
			if looked == nil || looked.Cluster == nil && err == nil {
				t.Fatal(looked, err)
			}
			status := masker.Mask(fmt.Sprint(told(t, looked), err, events.String()))
			if code != http.StatusUnauthorized && !strings.Contains(status, "***") { // what 401 says is not shown
				t.Errorf("cluster status has no answer that echoes\n%s", status)
			}
			for _, hidden := range append(cloud.Tokens(), "canary", "PRIVATE KEY", "private_key\"") {
				for _, shown := range []string{out, status} {
					if strings.Contains(shown, hidden) {
						t.Errorf("%s is shown\n%s", hidden, shown)
					}
				}
			}
		})
	}
}
