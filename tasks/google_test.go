package tasks

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
)

// googleHost is the registry of the tests.
const googleHost = "europe-west4-docker.pkg.dev"

// googleCloud is a Google Cloud with a cluster, ml in europe-west4, and a registry.
type googleCloud struct {
	*googletest.Server
	// images and objects are the requests to the registry and the cluster that came in with a
	// valid token.
	images, objects *registrytest.Faults
	// refused is how many requests had no valid token.
	refused atomic.Int32
	// arrives is called before a request to the cluster is looked at. It may be nil.
	arrives func()
}

// inCloud starts a Google Cloud, and returns the Env of a repository that deploys to it
// with the key of a service account.
func inCloud(t *testing.T, tree map[string]string) (*googleCloud, *Env, *eventLog) {
	t.Helper()
	env, events, _ := laptopWith(t, tree)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	cluster, err := kubernetes.New(t.TempDir(), "polyaxon-v1")
	if err != nil {
		t.Fatal(err)
	}
	c := &googleCloud{Server: googletest.New(t), images: &registrytest.Faults{Next: registrytest.InMemory()}, objects: &registrytest.Faults{Next: cluster}}
	plane := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.arrives != nil {
			c.arrives()
		}
		if _, ok := c.Valid(r); !ok {
			c.refused.Add(1)
			kubernetes.Refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		c.objects.ServeHTTP(w, r)
	}))
	t.Cleanup(plane.Close)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		r.Header.Set("Authorization", "Bearer "+password)
		if _, ok := c.Valid(r); !ok || user != "oauth2accesstoken" {
			c.refused.Add(1)
			w.Header().Set("WWW-Authenticate", `Basic realm="Artifact Registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c.images.ServeHTTP(w, r)
	}))
	t.Cleanup(registry.Close)
	at, err := url.Parse(registry.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: plane.Listener.Addr().String(),
		Authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plane.Certificate().Raw})})
	key := string(c.NewKey(c.Account("deployer")))
	env.Transport = c.World(oneHost{googleHost, singleHostTransport{at}})
	env.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	env.Lookup = func(name string) (string, bool) { return key, name == "GCP_SA_KEY" }
	return c, env, events
}

// oneHost is a transport whose requests for one host go elsewhere.
type oneHost struct {
	host string
	to   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == o.host {
		return o.to.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

const inGoogle = "project: story\nregistry: " + googleHost + "/acme-ml/team\n" +
	"google: {credentials: env:GCP_SA_KEY}\n" +
	"cluster: {gke: {project: acme-ml, location: europe-west4, name: ml}}\n"

// managed is how a secret of the cloud stands in slipway.yaml.
func managed(name string) string { return "gcp-secret-manager:projects/acme-ml/secrets/" + name }

// TestGoogleCloud builds an image into Google's registry and syncs secrets of Secret Manager
// to a cluster of GKE, with nothing but a key in the environment. It goes on with new
// tokens when the first have expired, and leaves nothing of them on disk.
func TestGoogleCloud(t *testing.T) {
	c, env, events := inCloud(t, map[string]string{
		"slipway.yaml": inGoogle + "images: {api: {files: [src]}}\n" +
			"mlflow: {tracking-uri: 'https://mlflow.acme.dev', password: '" + managed("mlflow") + "'}\n" +
			"secrets:\n  db: {data: {new: '" + managed("db") + "', old: '" + managed("db/versions/1") + "'}}\n" +
			"  pull: {docker-registry: {server: 'https://" + googleHost + "', service-account-key: '" + managed("pull") + "'}}\n" +
			"jobs: {train: {polyaxonfile: job.yml, image: api, params: {TOKEN: 'secret:" + managed("db") + "'}}}\n",
		"src/a.py": "print(1)\n", "job.yml": strings.Replace(jobFile, "inputs: [", "inputs: [{name: TOKEN, type: str}, ", 1),
	})
	first, second := &googletest.Version{Value: []byte("first-0123456789")}, &googletest.Version{Value: []byte("second-0123456789"), Damaged: 1}
	c.AddSecret("db", first, second)
	c.AddSecret("mlflow", first)
	c.AddSecret("pull", &googletest.Version{Value: c.NewKey(c.Account("puller"))})
	ctx := t.Context()
	sync := func(want string) {
		t.Helper()
		planned, err := SecretsPlan(ctx, env, SecretsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		synced, err := SecretsSync(ctx, env, SecretsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range []*Result{planned, synced} {
			var all []string
			for name, action := range actionsIn(result) {
				all = append(all, name+" "+action)
			}
			slices.Sort(all)
			if got := strings.Join(all, ", "); got != want {
				t.Errorf("%s: %s, want %s", result.Command, got, want)
			}
		}
	}
	sync("secret db create, secret pull create, secret slipway-story-mlflow create, secret slipway-story-train-params create")
	if asked := strings.Join(c.Requests(), "\n"); strings.Count(asked, "POST /oauth2/token") != 2 || strings.Count(asked, "/clusters/ml") != 2 || strings.Count(asked, "/secrets/db/versions/latest:access") != 3 {
		t.Errorf("two commands sent\n%s", asked) // one access of db was damaged
	}
	c.Expire()
	sync("secret db unchanged, secret pull unchanged, secret slipway-story-mlflow unchanged, secret slipway-story-train-params unchanged")
	c.AddSecret("db", first, second, &googletest.Version{Value: []byte("third-0123456789")})
	sync("secret db update, secret pull unchanged, secret slipway-story-mlflow unchanged, secret slipway-story-train-params update")
	if built, err := Build(ctx, env, BuildOptions{}); err != nil || built.Images[0].Action != "pushed" || !strings.HasPrefix(built.Images[0].Reference, googleHost+"/acme-ml/team/api") {
		t.Errorf("build: %+v, %v", built, err)
	}
	if refused := c.refused.Load(); refused > 3 { // the registry asks for a login
		t.Errorf("%d requests without a valid token\n%s", refused, events)
	}
	noneOnDisk(t, append(c.Tokens(), "first-0123456789", "second-0123456789", "third-0123456789", "BEGIN PRIVATE KEY", "private_key"))
}

// noneOnDisk checks that no file of the repository has one of these texts.
func noneOnDisk(t *testing.T, texts []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(string(content), text) {
				t.Errorf("%s has a secret", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestGoogleCloudRefuses checks the errors of commands: what they say, at which line, and
// the exit code. Nothing has been changed.
func TestGoogleCloudRefuses(t *testing.T) {
	token := "secrets: {token: {data: {key: '" + managed("token") + "'}}}\n"
	secrets := func(ctx context.Context, env *Env) (*Result, error) { return SecretsSync(ctx, env, SecretsOptions{}) }
	const who = "service account deployer@acme-ml.iam.gserviceaccount.com"
	for name, test := range map[string]struct {
		text    string
		prepare func(*googleCloud, *Env)
		command func(context.Context, *Env) (*Result, error)
		code    int
		want    string
	}{
		"no right to a secret": {inGoogle + token, func(c *googleCloud, _ *Env) { c.Deny("secretmanager.versions.access") }, secrets, ExitStep,
			"slipway.yaml:5:31: read the secret projects/acme-ml/secrets/token/versions/latest: " + who +
				" lacks the permission secretmanager.versions.access on projects/acme-ml/secrets/token/versions/latest, or it does not exist: grant roles/secretmanager.secretAccessor to serviceAccount:deployer@"},
		"an unknown secret": {inGoogle + strings.Replace(token, "secrets/token", "secrets/tokn", 1), func(*googleCloud, *Env) {}, secrets, ExitUsage,
			"slipway.yaml:5:31: there is no secret tokn in project acme-ml: did you mean token?"},
		"a disabled version": {inGoogle + token, func(c *googleCloud, _ *Env) {
			c.AddSecret("token", &googletest.Version{Value: []byte("x"), State: "DISABLED"})
		}, secrets, ExitUsage, "slipway.yaml:5:31: version 1 of the secret projects/acme-ml/secrets/token, which is its latest one, is disabled: enable it"},
		"a damaged value": {inGoogle + token, func(c *googleCloud, _ *Env) {
			c.AddSecret("token", &googletest.Version{Value: []byte("hunter2-hunter2"), Damaged: 2})
		}, secrets, ExitStep, "slipway.yaml:5:31: the secret projects/acme-ml/secrets/token/versions/latest arrived damaged: its checksum (CRC32C) is another"},
		"Secret Manager is down": {inGoogle + token, func(c *googleCloud, _ *Env) {
			c.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusServiceUnavailable})
		}, secrets, ExitStep, "slipway.yaml:5:31: read the secret projects/acme-ml/secrets/token/versions/latest: secretmanager.googleapis.com: "},
		"an unknown cluster": {strings.Replace(inGoogle, "name: ml", "name: mll", 1) + token, func(*googleCloud, *Env) {}, secrets, ExitUsage,
			"slipway.yaml:4:65: there is no cluster mll in europe-west4 of project acme-ml: did you mean ml in europe-west4?"},
		"no right to the cluster": {inGoogle + token, func(c *googleCloud, _ *Env) { c.Deny("container.clusters.get") }, secrets, ExitStep,
			"slipway.yaml:4:16: " + who + " lacks the permission container.clusters.get on projects/acme-ml/locations/europe-west4/clusters/ml"},
		"an unknown cluster, planned": {strings.Replace(inGoogle, "name: ml", "name: mll", 1) + token, func(*googleCloud, *Env) {},
			func(ctx context.Context, env *Env) (*Result, error) { return Plan(ctx, env, PlanOptions{}) }, ExitUsage, "slipway.yaml:4:65: there is no cluster mll in europe-west4"},
		"a cluster that is being created": {strings.Replace(inGoogle, "name: ml", "name: new", 1) + token, func(c *googleCloud, _ *Env) {
			c.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "new", Status: "PROVISIONING"})
		}, secrets, ExitStep, "slipway.yaml:4:16: projects/acme-ml/locations/europe-west4/clusters/new is still being created: wait until it is running"},
		"a key of a deleted account": {inGoogle + token, func(c *googleCloud, _ *Env) { c.DeleteAccount("deployer@acme-ml.iam.gserviceaccount.com") }, secrets, ExitStep,
			"no access token for " + who + ": the account is deleted or disabled"},
		"a key of a disabled account": {inGoogle + token, func(c *googleCloud, _ *Env) { c.DisableAccount("deployer@acme-ml.iam.gserviceaccount.com") }, secrets, ExitStep,
			"enable deployer@acme-ml.iam.gserviceaccount.com"},
		"a user's credentials": {inGoogle + token, func(c *googleCloud, env *Env) {
			env.Lookup = func(name string) (string, bool) { return string(c.Login("ada@acme.dev")), name == "GCP_SA_KEY" }
		}, secrets, ExitUsage, "slipway.yaml:3:23: env:GCP_SA_KEY has a user's credentials (type authorized_user)"},
		"not a key": {inGoogle + token, func(_ *googleCloud, env *Env) {
			env.Lookup = func(name string) (string, bool) { return "hunter2-hunter2", name == "GCP_SA_KEY" }
		}, secrets, ExitUsage, "slipway.yaml:3:23: env:GCP_SA_KEY is not JSON"},
		"not a key, of use or not": {"project: story\nregistry: REGISTRY\ngoogle: {credentials: env:GCP_SA_KEY}\nimages: {api: {files: [src]}}\n", func(_ *googleCloud, env *Env) {
			env.Lookup = func(name string) (string, bool) { return "hunter2-hunter2", name == "GCP_SA_KEY" }
		}, func(ctx context.Context, env *Env) (*Result, error) { return Deploy(ctx, env, DeployOptions{}) }, ExitUsage, "slipway.yaml:3:23: env:GCP_SA_KEY is not JSON"},
		"a build secret": {inGoogle + "images: {api: {dockerfile: src/Dockerfile, build-secrets: {pip: '" + managed("pip") + "'}}}\n", func(*googleCloud, *Env) {},
			func(ctx context.Context, env *Env) (*Result, error) { return Build(ctx, env, BuildOptions{}) }, ExitUsage,
			"slipway.yaml:5:65: there is no secret pip in project acme-ml"},
		"Polyaxon's token": {inGoogle + "polyaxon: {host: 'http://127.0.0.1:1', token: '" + managed("plx") + "'}\n", func(*googleCloud, *Env) {},
			func(ctx context.Context, env *Env) (*Result, error) { return Runs(ctx, env, RunsOptions{}) }, ExitUsage,
			"slipway.yaml:5:47: there is no secret plx in project acme-ml"},
		"a registry that refuses": {inGoogle + "images: {api: {files: [src]}}\n", func(c *googleCloud, _ *Env) { c.DisableAccount("deployer@acme-ml.iam.gserviceaccount.com") },
			func(ctx context.Context, env *Env) (*Result, error) { return Build(ctx, env, BuildOptions{}) }, ExitStep,
			"Google's credentials: no access token for " + who},
	} {
		t.Run(name, func(t *testing.T) {
			c, env, _ := inCloud(t, map[string]string{"slipway.yaml": test.text, "src/a.py": "print(1)\n", "src/Dockerfile": "FROM scratch\n"})
			c.AddSecret("token", &googletest.Version{Value: []byte("hunter2-hunter2")})
			test.prepare(c, env)
			_, err := test.command(t.Context(), env)
			if ExitCode(err) != test.code || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("exit code %d: %v", ExitCode(err), err)
			}
			images, _ := c.images.Log()
			objects, _ := c.objects.Log()
			for _, sent := range append(images, objects...) {
				if !strings.HasPrefix(sent, http.MethodGet) && !strings.HasPrefix(sent, http.MethodHead) {
					t.Errorf("it sent %s", sent)
				}
			}
		})
	}
}

// TestNothingOfGoogle checks that a repository that names nothing of Google asks Google for
// nothing, the metadata server neither.
func TestNothingOfGoogle(t *testing.T) {
	c, env, _ := inCloud(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\nimages: {api: {files: [src]}}\n", "src/a.py": "print(1)\n",
	})
	env.Lookup = func(string) (string, bool) { return "", false }
	if _, err := Build(t.Context(), env, BuildOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Plan(t.Context(), env, PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	if asked := c.Requests(); len(asked) > 0 {
		t.Errorf("requests to Google: %v", asked)
	}
}

// TestKubectlOfGKE gives kubectl an entry without credentials, and a token for that cluster
// and no other.
func TestKubectlOfGKE(t *testing.T) {
	c, env, _ := inCloud(t, map[string]string{"slipway.yaml": inGoogle})
	key := env.Lookup
	asked := ""
	env.Lookup = func(name string) (string, bool) {
		if name == "KUBERNETES_EXEC_INFO" {
			return asked, asked != ""
		}
		return key(name)
	}
	env.Plugin = []string{"/usr/local/bin/slipway", "cluster", "token"}
	path := filepath.Join(t.TempDir(), "config")
	written, err := ClusterCredentials(t.Context(), env, ClusterCredentialsOptions{Kubeconfig: path})
	if err != nil || written.Credentials.Context != "gke_acme-ml_europe-west4_ml" || written.Credentials.Namespace != "polyaxon-v1" || len(written.Credentials.Logins) > 0 {
		t.Fatalf("%+v, %v", written, err)
	}
	if len(c.Tokens()) != 1 { // to ask for the cluster
		t.Errorf("%d tokens", len(c.Tokens()))
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), c.Tokens()[0]) || strings.Contains(string(text), "PRIVATE") {
		t.Errorf("%v: %s", err, text)
	}
	entry, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cluster := entry.Clusters["gke_acme-ml_europe-west4_ml"]
	info := func(server string) string {
		text, err := json.Marshal(execCredential{APIVersion: credentialVersion, Kind: "ExecCredential",
			Spec: execSpec{Cluster: &execCluster{Server: server, Authority: cluster.CertificateAuthorityData}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	asked = info(cluster.Server)
	got, err := ClusterToken(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	var credential execCredential
	if err := json.Unmarshal([]byte(got.Text), &credential); err != nil || credential.Status == nil || credential.Status.Expires == nil || !slices.Contains(c.Tokens(), credential.Status.Token) {
		t.Errorf("%v: %s", err, got.Text)
	}
	asked = info("https://attacker.test")
	if got, err := ClusterToken(t.Context(), env); ExitCode(err) != ExitUsage || got.Text != "" {
		t.Errorf("another server gets %q, %v", got.Text, err)
	}
}

// TestTokenExpiresDuringFollow has all tokens expire while a run is followed in a cluster of GKE.
// The follow goes on with a new one, and nobody is told of it.
func TestTokenExpiresDuringFollow(t *testing.T) {
	end := filepath.Join(t.TempDir(), "end")
	c, env, events := inCloud(t, map[string]string{
		"slipway.yaml": inGoogle + "polyaxon: {host: '" + sandboxtest.Polyaxon(t, "2.18", buildJob(t)) + "'}\njobs: {train: {polyaxonfile: job.yml, credentials: false}}\n",
		"job.yml": fmt.Sprintf("version: 1.1\nkind: component\nrun: {kind: job, container: {image: none, command: [%q, print=begin, %q, print=last]}}\n",
			sandboxtest.Program, "await="+filepath.ToSlash(end)),
	})
	env.Sleep = nil
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	expired := make(chan int, 1)
	go func() {
		for ctx.Err() == nil && !strings.Contains(events.String(), "begin") {
			time.Sleep(20 * time.Millisecond)
		}
		expired <- len(c.Tokens())
		c.Expire()
		_ = os.WriteFile(end, nil, 0o600)
	}()
	deployed, err := Deploy(ctx, env, DeployOptions{})
	if err != nil || deployed.Jobs[0].Status != "succeeded" || !strings.Contains(events.String(), "last") {
		t.Fatalf("%+v, %v\n%s", deployed, err, events)
	}
	if before, after := <-expired, len(c.Tokens()); before == 0 || after == before || c.refused.Load() == 0 || strings.Contains(events.String(), "nauthorized") {
		t.Errorf("%d tokens, then %d; %d requests were refused\n%s", before, after, c.refused.Load(), events)
	}
}
