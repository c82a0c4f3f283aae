package tasks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
)

// vault is a repository whose secrets go to a cluster of the test's own.
type vault struct {
	*testing.T
	env    *Env
	events *eventLog
	dir    string
	// values are the environment variables.
	values map[string]string
}

// newVault returns a repository that syncs secrets to the sandbox's cluster. Each request
// passes through, if that is not nil, before the cluster.
func newVault(t *testing.T, through func(http.Handler) http.Handler) *vault {
	t.Helper()
	return vaultOn(t, sandboxCluster(t, through))
}

// sandboxCluster starts the sandbox's cluster, without a sandbox around it.
func sandboxCluster(t *testing.T, through func(http.Handler) http.Handler) *rest.Config {
	t.Helper()
	objects, err := kubernetes.New(t.TempDir(), "ns")
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = objects
	if through != nil {
		handler = through(objects)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

// vaultOn returns a repository that syncs secrets to the namespace ns of a cluster.
func vaultOn(t *testing.T, access *rest.Config) *vault {
	t.Helper()
	v := &vault{T: t, events: &eventLog{}, dir: t.TempDir(), values: map[string]string{}}
	v.env = &Env{Dir: v.dir, Events: v.events, Transport: http.DefaultTransport, Now: time.Now,
		Lookup: func(name string) (string, bool) { value, ok := v.values[name]; return value, ok }}
	v.write("kubeconfig", writeKubeconfig(t, access))
	return v
}

func (v *vault) write(name, text string) {
	v.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o600); err != nil {
		v.Fatal(err)
	}
}

// secrets writes a slipway.yaml with these secrets, from its line 4 on.
func (v *vault) secrets(text string) {
	v.Helper()
	v.write("slipway.yaml", "project: story\ncluster: {kubeconfig: {path: "+filepath.Join(v.dir, "kubeconfig")+"}, namespace: ns}\nsecrets:\n"+text)
}

// sync syncs the secrets, and returns what was done to them.
func (v *vault) sync(o SecretsOptions) (string, error) {
	v.Helper()
	synced, err := SecretsSync(v.Context(), v.env, o)
	var all []string
	if synced != nil {
		for _, s := range synced.Secrets {
			all = append(all, s.Name+" "+string(s.Action))
		}
	}
	return strings.Join(all, ", "), err
}

// refused syncs the secrets, which must fail with this exit code and text, and must not
// change anything.
func (v *vault) refused(o SecretsOptions, code int, text string) {
	v.Helper()
	done, err := v.sync(o)
	if err == nil || ExitCode(err) != code || !strings.Contains(err.Error(), text) || done != "" {
		v.Errorf("%q, exit code %d: %v\nwant %d: %s", done, ExitCode(err), err, code, text)
	}
}

// certified returns a certificate that is valid for a time from now on, and its key.
func certified(t *testing.T, from, to time.Duration) (cert, key string) {
	t.Helper()
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, made.Public(), made)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return block("CERTIFICATE", public), block("PRIVATE KEY", private)
}

// TestTLSSecrets checks where a wrong certificate is reported, and that the time of
// another one is noted.
func TestTLSSecrets(t *testing.T) {
	t.Parallel()
	v := newVault(t, nil)
	v.secrets("  web: {tls: {cert: env:CERT, key: env:KEY}}\n")
	cert, key := certified(t, -time.Hour, time.Hour)
	v.values["CERT"], v.values["KEY"] = key, cert
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:4:21: the certificate contains a private key (set tls.cert to the certificate")
	v.values["CERT"] = cert
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:4:36: the private key is a certificate")
	v.values["KEY"] = key
	if done, err := v.sync(SecretsOptions{}); err != nil || done != "web create" || strings.Contains(v.events.String(), "certificate") {
		t.Errorf("%s, %v\n%s", done, err, v.events)
	}
	for _, c := range []struct {
		from, to time.Duration
		note     string
	}{
		{-48 * time.Hour, -24 * time.Hour, "slipway.yaml:4:21: the certificate of secret web expired on " + time.Now().Add(-24*time.Hour).UTC().Format("2006-01-02")},
		{24 * time.Hour, 48 * time.Hour, "slipway.yaml:4:21: the certificate of secret web is not valid before " + time.Now().Add(24*time.Hour).UTC().Format("2006-01-02")},
	} {
		v.values["CERT"], v.values["KEY"] = certified(t, c.from, c.to)
		if done, err := v.sync(SecretsOptions{}); err != nil || done != "web update" || !strings.Contains(v.events.String(), c.note) {
			t.Errorf("%s, %v\n%s\nwant %s", done, err, v.events, c.note)
		}
	}
}

// TestBasicAuthSecrets checks the Secret that is made of a user name and a password.
func TestBasicAuthSecrets(t *testing.T) {
	t.Parallel()
	access := sandboxCluster(t, nil)
	clients, err := client.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	v := vaultOn(t, access)
	v.secrets("  git: {basic-auth: {username: ada, password: env:PASSWORD}}\n")
	v.values["PASSWORD"] = "a-secret-value"
	for _, want := range []string{"git create", "git unchanged"} {
		if done, err := v.sync(SecretsOptions{}); err != nil || done != want {
			t.Errorf("%s, %v; want %s", done, err, want)
		}
	}
	got, err := clients.Secrets("ns").Get(t.Context(), "git", metav1.GetOptions{})
	if err != nil || got.Type != "kubernetes.io/basic-auth" || len(got.Data) != 2 || string(got.Data["username"]) != "ada" || string(got.Data["password"]) != "a-secret-value" {
		t.Errorf("%v: it is %s with %q", err, got.Type, got.Data)
	}
	v.values["PASSWORD"] = "a-secret-value\r\n" // as an editor on Windows writes it
	if done, err := v.sync(SecretsOptions{}); err != nil || done != "git unchanged" {
		t.Errorf("with the line break of a file: %s, %v", done, err)
	}
	v.values["PASSWORD"] = "ada\na-secret-value"
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:4:47: env:PASSWORD: the value has a line break or another control character")
	delete(v.values, "PASSWORD")
	v.refused(SecretsOptions{}, ExitUsage, "PASSWORD")
}

// TestNothingToSync counts the requests of a sync of 50 secrets that are up to date: one
// for the namespace, and one for all secrets.
func TestNothingToSync(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var requests []string
	v := newVault(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			requests = append(requests, r.Method+" "+r.URL.Path)
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	})
	text := ""
	for n := range 50 {
		text += fmt.Sprintf("  secret-%d: {data: {token: env:TOKEN}}\n", n)
	}
	v.secrets(text)
	v.values["TOKEN"] = "a-secret-value"
	for _, want := range []int{102, 2} { // each one is tried by dry run before any is created
		requests = nil
		synced, err := SecretsSync(t.Context(), v.env, SecretsOptions{})
		if err != nil || len(synced.Secrets) != 50 || len(requests) != want {
			t.Errorf("%v; %d requests, want %d: %q", err, len(requests), want, requests)
		}
	}
}

// TestImmutableSecrets rotates the value of an immutable secret. Nothing is changed then,
// and the error has the place of the secret, and says what to do.
func TestImmutableSecrets(t *testing.T) {
	t.Parallel()
	v := newVault(t, nil)
	v.secrets("  early: {data: {token: env:TOKEN}}\n  token: {data: {token: env:TOKEN}, immutable: true}\n")
	v.values["TOKEN"] = "a-secret-value"
	for _, want := range []string{"early create, token create", "early unchanged, token unchanged"} {
		if done, err := v.sync(SecretsOptions{}); err != nil || done != want {
			t.Errorf("%s, %v; want %s", done, err, want)
		}
	}
	v.values["TOKEN"] = "another-secret-value"
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:5:10: secret token is immutable in the cluster, and has another value there (token) (Kubernetes refuses to change it: add a secret with another name")
	v.refused(SecretsOptions{ForceConflicts: true}, ExitUsage, "secret token is immutable")
	v.secrets("  token: {data: {token: env:TOKEN}}\n")
	v.values["TOKEN"] = "a-secret-value"
	v.refused(SecretsOptions{}, ExitUsage, "Kubernetes cannot undo that (set immutable: true again")
	v.secrets("  early: {basic-auth: {username: anna, password: env:TOKEN}}\n")
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:4:10: secret early has type Opaque in the cluster and should have kubernetes.io/basic-auth (Kubernetes cannot change that: delete the secret first")
}

// TestLargeSecret has a secret that is larger than 1 MiB, although none of its values is.
func TestLargeSecret(t *testing.T) {
	t.Parallel()
	v := newVault(t, nil)
	v.write("half", strings.Repeat("x", 1<<19))
	v.secrets("  early: {data: {half: file:half}}\n  large: {data: {a: file:half, b: file:half, c: env:C}}\n")
	v.values["C"] = "y"
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:5:10: secret large has 1048577 bytes, and Kubernetes allows 1 MiB")
	v.write("whole", strings.Repeat("x", 1<<20+1))
	v.secrets("  early: {data: {half: file:half}}\n  large: {data: {a: file:whole}}\n")
	v.refused(SecretsOptions{}, ExitUsage, "slipway.yaml:5:21: the secret file:whole is larger than 1 MiB")
	v.secrets("  early: {data: {half: file:half}}\n  Large: {data: {a: file:half}}\n")
	v.refused(SecretsOptions{}, ExitUsage, `slipway.yaml:5:3: "Large" is not a valid name for secrets`)
}

// TestConflictingSecrets syncs a secret that was changed with kubectl, on the sandbox's
// cluster. TestSecretUsers does the same on a real API server.
func TestConflictingSecrets(t *testing.T) {
	t.Parallel()
	conflicting(t, sandboxCluster(t, nil))
}

// conflicting changes a secret with kubectl's field manager, and deploys. Nothing may be
// built or changed then, until slipway is told to take the field over.
func conflicting(t *testing.T, access *rest.Config) {
	t.Helper()
	clients, err := client.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	v := vaultOn(t, access)
	v.secrets("  token: {data: {token: env:TOKEN}}\n")
	v.values["TOKEN"] = "the-first-value"
	if _, err := v.sync(SecretsOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.Secrets("ns").Patch(t.Context(), "token", types.MergePatchType, []byte(`{"stringData":{"token":"by-hand","own":"x"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	v.secrets("  early: {data: {token: env:TOKEN}}\n  token: {data: {token: env:TOKEN}}\nregistry: 127.0.0.1:1/none\nimages: {data: {files: [kubeconfig]}}\n")
	const want = "secret token: the field manager kubectl-edit owns .data.token, with other values than slipway.yaml (slipway secrets sync --force-conflicts takes them over)"
	v.refused(SecretsOptions{}, ExitStep, want)
	_, deployed := Deploy(t.Context(), v.env, DeployOptions{})
	_, planned := SecretsPlan(t.Context(), v.env, SecretsOptions{})
	for what, err := range map[string]error{"deploy": deployed, "plan": planned} {
		if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	stored := func(name string) map[string][]byte {
		s, err := clients.Secrets("ns").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
		return s.Data
	}
	if len(stored("early")) > 0 || string(stored("token")["token"]) != "by-hand" || strings.Contains(v.events.String(), "start image") {
		t.Errorf("refused, and there are %s and %s\n%s", stored("early"), stored("token"), v.events)
	}
	if done, err := v.sync(SecretsOptions{ForceConflicts: true}); err != nil || done != "early create, token update" {
		t.Errorf("forced: %s, %v", done, err)
	}
	if got := stored("token"); string(got["token"]) != "the-first-value" || string(got["own"]) != "x" {
		t.Errorf("forced, and it is %s", got)
	}
	if done, err := v.sync(SecretsOptions{}); err != nil || done != "early unchanged, token unchanged" {
		t.Errorf("again: %s, %v", done, err)
	}
}

// TestServiceAccountKeys has values in place of the key of a service account. Nothing is
// changed then, and no error contains a part of the value.
func TestServiceAccountKeys(t *testing.T) {
	t.Parallel()
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(made)}))
	key := func(change func(map[string]string)) string {
		file := map[string]string{"type": "service_account", "project_id": "acme", "private_key_id": "1", "private_key": private, "client_email": "ci@acme.iam.gserviceaccount.com"}
		change(file)
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	whole := key(func(map[string]string) {})
	user := `{"type": "authorized_user", "client_id": "a", "client_secret": "hush-hush", "refresh_token": "hush-hush"}`
	const (
		pull        = "  pull: {docker-registry: {server: \"https://gcr.io\", service-account-key: env:KEY}}\n"
		credentials = "  gcp-sa-credentials: {data: {key.json: env:KEY}}\n"
		other       = "  other: {data: {key.json: env:KEY}}\n"
	)
	v := newVault(t, nil)
	for what, c := range map[string]struct{ secrets, value, want string }{
		"a user's credentials":      {pull, user, "slipway.yaml:4:75: env:KEY has a user's credentials (type authorized_user)"},
		"for a job":                 {credentials, user, "slipway.yaml:4:41: env:KEY has a user's credentials (type authorized_user)"},
		"a path":                    {credentials, "/run/secrets/hush-hush.json", "env:KEY is the path of a file, and not its content"},
		"no JSON":                   {pull, "hush-hush", "env:KEY is not JSON"},
		"no project":                {other, key(func(f map[string]string) { delete(f, "project_id") }), "slipway.yaml:4:28: env:KEY has no project_id"},
		"a private key that is cut": {other, key(func(f map[string]string) { f["private_key"] = private[:100] }), "has a private_key that is not PEM"},
	} {
		v.secrets(c.secrets)
		v.values["KEY"] = c.value
		v.refused(SecretsOptions{}, ExitUsage, c.want)
		if _, err := v.sync(SecretsOptions{}); err != nil && (strings.Contains(err.Error(), "hush-hush") || strings.Contains(err.Error(), "MII")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	v.secrets(pull + credentials + other)
	v.values["KEY"] = whole
	if done, err := v.sync(SecretsOptions{}); err != nil || done != "gcp-sa-credentials create, other create, pull create" {
		t.Errorf("%s, %v", done, err)
	}
	v.secrets("  user: {data: {adc.json: env:KEY}}\n") // what another secret is for is the user's choice
	v.values["KEY"] = user
	if done, err := v.sync(SecretsOptions{}); err != nil || done != "user create" {
		t.Errorf("%s, %v", done, err)
	}
}
