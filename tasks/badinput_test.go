package tasks

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestBadInput deploys, plans and applies what people get wrong about a cluster. Each mistake is one
// error with its place and the exit code, and nothing is changed. TestGoogleCloudRefuses has the
// mistakes about Google.
func TestBadInput(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients, must := clientsOf(t, access), must(t)
	must(clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-v1"}}, metav1.CreateOptions{}))
	must(clients.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "filestore"}, Provisioner: "none"}, metav1.CreateOptions{}))
	t.Chdir(t.TempDir())
	w, kubeconfig := watch(t, access)
	expired := &rest.Config{Host: access.Host, TLSClientConfig: rest.TLSClientConfig{CAData: access.CAData, CAFile: access.CAFile}, BearerToken: "expired"}
	for name, text := range map[string]string{
		"kubeconfig": kubeconfig, "expired": writeKubeconfig(t, expired), "large": strings.Repeat("x", 1<<20+1),
		"job.yml": "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1}}\n",
	} {
		must(nil, os.WriteFile(name, []byte(text), 0o600))
	}
	values := map[string]string{"TOKEN": "a-secret-value", "LOGIN": `{"type": "authorized_user", "client_id": "a", "client_secret": "hush-hush", "refresh_token": "hush-hush"}`}
	env := &Env{Dir: ".", Events: &eventLog{}, Transport: http.DefaultTransport, Now: time.Now, Lookup: func(name string) (string, bool) { value, ok := values[name]; return value, ok }}
	plan := func() error { _, err := Plan(t.Context(), env, PlanOptions{}); return err }
	deploy := func() error { _, err := Deploy(t.Context(), env, DeployOptions{}); return err }
	sync := func() error { _, err := SecretsSync(t.Context(), env, SecretsOptions{}); return err }
	apply := func() error { _, err := Apply(t.Context(), env, ApplyOptions{}); return err }

	const (
		here   = "cluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n"
		secret = "secrets: {token: {data: {key: env:TOKEN}}}\n"
		config = "apiVersion: v1\nkind: ConfigMap\n"
	)
	every := []func() error{plan, deploy, sync}
	for name, c := range map[string]struct {
		text, manifest string
		commands       []func() error
		code           int
		want           string
	}{
		"a context that is missing": {"cluster: {kubeconfig: {path: kubeconfig, context: mll}, namespace: polyaxon-v1}\n" + secret, "", every, ExitUsage,
			"slipway.yaml:4:23: the kubeconfig has no context mll: it has a"},
		"a kubeconfig in place of its path": {"cluster: {kubeconfig: {path: '{\"users\": []}'}, namespace: polyaxon-v1}\n" + secret, "", every, ExitUsage,
			"slipway.yaml:4:23: cluster.kubeconfig.path has the content of a file, and not its path"},
		"a namespace that is missing": {strings.Replace(here, "v1}", "v2}", 1) + secret, "", every, ExitUsage, " has no namespace polyaxon-v2: did you mean polyaxon-v1?"},
		"an expired token": {strings.Replace(here, "path: kubeconfig", "path: expired", 1) + secret, "", []func() error{deploy, sync}, ExitStep,
			"Unauthorized: the token or the certificate for this cluster has expired or is wrong (log in to the cluster again"},
		"an invalid name":              {here + "secrets: {Token_: {data: {key: env:TOKEN}}}\n", "", every, ExitUsage, `slipway.yaml:5:11: "Token_" is not a valid name for secrets`},
		"a secret above 1 MiB":         {here + "secrets: {token: {data: {key: file:large}}}\n", "", every, ExitUsage, "slipway.yaml:5:31: the secret file:large is larger than 1 MiB"},
		"a key that is no JSON":        {here + "secrets: {gcp-sa-credentials: {data: {key.json: env:TOKEN}}}\n", "", every, ExitUsage, "slipway.yaml:5:49: env:TOKEN is not JSON"},
		"a user's credentials":         {here + "secrets: {gcp-sa-credentials: {data: {key.json: env:LOGIN}}}\n", "", every, ExitUsage, "slipway.yaml:5:49: env:LOGIN has a user's credentials"},
		"no kind":                      {here + secret, "apiVersion: v1\nmetadata: {name: a}\n", []func() error{plan, deploy, apply}, ExitUsage, "k8s.yaml:1:1: a manifest needs kind"},
		"an unknown kind":              {here + secret, "apiVersion: serving.acme.dev/v1\nkind: Model\nmetadata: {name: a}\n", []func() error{plan, deploy, apply}, ExitUsage, "has no kind Model of serving.acme.dev/v1"},
		"another namespace":            {here + secret, config + "metadata: {name: a, namespace: default}\n", []func() error{plan, deploy, apply}, ExitUsage, "k8s.yaml:3:32: namespace default is not that of slipway.yaml, polyaxon-v1"},
		"an unknown image":             {here + secret, config + "metadata: {name: a}\ndata: {image: slipway://apj}\n", []func() error{plan, deploy, apply}, ExitUsage, "k8s.yaml:4:15: image apj not found"},
		"a claim without a class":      {here + secret + "volume: {claim: data, create: {size: 1Gi, access: ReadWriteMany, class: filestor}}\n", "", []func() error{plan, deploy}, ExitUsage, "storage class filestor not found"},
		"a namespace without Polyaxon": {strings.Replace(here, "polyaxon-v1", "default", 1) + secret, "", []func() error{plan, deploy}, ExitUsage, "slipway.yaml:3:10: namespace default of cluster a has no Polyaxon"},
		"a claim that is missing":      {here + secret + "volume: {claim: data}\n", "", []func() error{plan, deploy}, ExitUsage, "slipway.yaml:6:17: volume claim data not found in the cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			polyaxon := "polyaxon: {host: '" + sandboxtest.Polyaxon(t, "2.18", "") + "'}\n"
			if strings.Contains(name, "without Polyaxon") {
				polyaxon = ""
			}
			text := "project: story\nregistry: 127.0.0.1:1/none\n" + polyaxon + c.text + "jobs: {job: {polyaxonfile: job.yml, credentials: false}}\n"
			if c.manifest != "" {
				text += "manifests: [k8s.yaml]\n"
			}
			must(nil, os.WriteFile("slipway.yaml", []byte(text), 0o600))
			must(nil, os.WriteFile("k8s.yaml", []byte(c.manifest), 0o600))
			w.taken()
			for _, do := range c.commands {
				if err := do(); ExitCode(err) != c.code || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hush") {
					t.Errorf("exit code %d: %v\nwant %d: %s", ExitCode(err), err, c.code, c.want)
				}
			}
			for request := range w.taken() {
				if !strings.HasPrefix(request, http.MethodGet) && !strings.HasSuffix(request, " as a dry run") {
					t.Errorf("it sent %s", request)
				}
			}
			if listed, err := Runs(t.Context(), env, RunsOptions{}); err == nil && len(listed.Runs) > 0 {
				t.Errorf("it submitted %+v", listed.Runs)
			}
		})
	}
}
