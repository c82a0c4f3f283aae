package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/sandbox/storage"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// googleCloud starts a Google Cloud with the cluster ml in a region and in a zone, and the secrets
// of docs/google.md: googlecloud [whole]. Ada has logged in with gcloud in $HOME, and GCP_SA_KEY is
// a key. Variables that begin with GIVEN_ are what GitHub and GitLab give to jobs. In CI, the
// cluster is a real API server. The same one is also the clusters named, hidden and member, by a DNS
// name, a private address and the connect gateway. Their authority is in front.pem. A whole one also has a Polyaxon in the cluster, a node, a storage
// class, the registries europe-west4-docker.pkg.dev and Docker Hub, and Cloud Storage.
func googleCloud(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	whole := len(args) == 1 && args[0] == "whole"
	if neg || len(args) != 0 && !whole {
		ts.Fatalf("usage: googlecloud [whole]")
	}
	cloud := googletest.New(t).Listen()
	var objects http.Handler
	if whole || testenv.Thorough() {
		objects = realCluster(t, ts, whole)
	} else {
		imitation, err := kubernetes.New(ts.MkAbs(".kubernetes"), "polyaxon-v1")
		ts.Check(err)
		objects = imitation
	}
	plane := behindLogin(t, cloud, behindGateway(objects), httptest.NewTLSServer)
	authority, address := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plane.Certificate().Raw}), plane.Listener.Addr().String()
	for _, location := range []string{"europe-west4", "europe-west4-a"} {
		cloud.AddCluster(googletest.Cluster{Location: location, Name: "ml", Public: address, Authority: authority})
	}
	const location = "europe-west4"
	cloud.AddCluster(googletest.Cluster{Location: location, Name: "named", DNS: address})
	cloud.AddCluster(googletest.Cluster{Location: location, Name: "hidden", Private: address, Authority: authority})
	cloud.AddCluster(googletest.Cluster{Location: location, Name: "member", Private: "192.0.2.1", Authority: authority, Membership: "projects/" + googletest.ProjectNumber + "/locations/global/memberships/member"})
	cloud.GatewayAt(plane.URL)
	ts.Check(os.WriteFile(ts.MkAbs("front.pem"), authority, 0o600))
	for _, name := range []string{"mlflow-password", "mlflow-cookie"} {
		cloud.AddSecret(name, &googletest.Version{Value: []byte("first-" + name)}, &googletest.Version{Value: []byte("second-" + name)}, &googletest.Version{Value: []byte("value-of-" + name)})
	}
	login := filepath.Join(ts.Getenv("HOME"), ".config", "gcloud", "application_default_credentials.json")
	ts.Check(os.MkdirAll(filepath.Dir(login), 0o700))
	ts.Check(os.WriteFile(login, cloud.Login("ada@acme.dev"), 0o600))
	if whole {
		registries(t, ts, cloud)
		buckets, err := storage.New(ts.MkAbs(".buckets"), io.Discard)
		ts.Check(err)
		ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", behindLogin(t, cloud, buckets, httptest.NewServer).URL+"/")
	}
	const pool = "projects/" + googletest.ProjectNumber + "/locations/global/workloadIdentityPools/ci/providers/"
	cloud.AddProvider(pool+"github", googletest.Provider{})
	cloud.AddProvider(pool+"gitlab", googletest.Provider{Issuer: gitLabIssuer})
	job := googletest.Job{Repository: "acme/fraud-detection"}
	for name, value := range cloud.Run(job) {
		if name != "GITHUB_ACTIONS" {
			ts.Setenv("GIVEN_"+name, value)
		}
	}
	for _, page := range []string{"google.md", "gitlab.md"} {
		ts.Setenv("GIVEN_ID_TOKEN_"+strings.TrimSuffix(page, ".md"), idTokenOf(ts, cloud, page))
	}
	to := cloud.Endpoints()
	for name, value := range map[string]string{
		"CLOUDSDK_AUTH_TOKEN_HOST": to.Token, "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS": to.STS + "/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": to.Container + "/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_GKEHUB": to.GKEHub + "/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONNECTGATEWAY": to.ConnectGateway + "/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": to.SecretManager + "/",
		"GCP_SA_KEY": string(cloud.NewKey(cloud.Account("deployer"))),
	} {
		ts.Setenv(name, value)
	}
}

// gitLabIssuer is the issuer of GitLab's ID tokens.
const gitLabIssuer = "https://gitlab.com"

// idTokenOf returns the token that GitLab makes for the jobs of a page of docs, whose id_tokens name the
// audience.
func idTokenOf(ts *testscript.TestScript, cloud *googletest.Server, page string) string {
	for part := range strings.SplitSeq(ts.ReadFile(filepath.Join(ts.Getenv("ROOT"), "docs", page)), "```yaml\n") {
		text, _, _ := strings.Cut(part, "```")
		var jobs struct {
			All struct {
				Tokens map[string]struct{ Aud string } `yaml:"id_tokens"`
			} `yaml:".slipway"`
		}
		if !strings.Contains(text, "id_tokens:") {
			continue
		}
		ts.Check(yaml.Unmarshal([]byte(text), &jobs))
		return cloud.IDToken(googletest.Job{Repository: "acme/fraud-detection", Claims: map[string]any{
			"iss": gitLabIssuer, "sub": "project_path:acme/fraud-detection:ref_type:branch:ref:main", "project_path": "acme/fraud-detection",
		}}, jobs.All.Tokens["GCP_ID_TOKEN"].Aud)
	}
	ts.Fatalf("%s has no jobs with id_tokens", page)
	return ""
}

// behindGateway also serves the paths of a cluster at the connect gateway.
func behindGateway(to http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, path, ok := strings.Cut(r.URL.Path, "/gkeMemberships/member"); ok {
			r.URL.Path = path
		}
		to.ServeHTTP(w, r)
	})
}

// behindLogin starts a server that passes on the requests with an access token of a cloud.
func behindLogin(t *testing.T, cloud *googletest.Server, to http.Handler, start func(http.Handler) *httptest.Server) *httptest.Server {
	server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := cloud.Valid(r); !ok {
			kubernetes.Refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		r.Header.Del("Authorization")
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// realCluster starts a real API server, and returns an administrator's access to it.
func realCluster(t *testing.T, ts *testscript.TestScript, whole bool) http.Handler {
	access := testenv.Kubernetes(t)
	clients, err := client.NewForConfig(access)
	ts.Check(err)
	_, err = clients.Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-v1"}}, metav1.CreateOptions{})
	ts.Check(err)
	if whole {
		installPolyaxon(t, ts, access)
	}
	access = rest.CopyConfig(access)
	access.NextProtos = []string{"http/1.1"} // for port forwarding
	transport, err := rest.TransportFor(access)
	ts.Check(err)
	target, err := url.Parse(access.Host)
	ts.Check(err)
	return &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
}

// block writes a fenced block of YAML of a page of docs to a file: block FILE PAGE N. N counts from
// 1.
func block(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || len(args[2]) != 1 {
		ts.Fatalf("usage: block FILE PAGE N")
	}
	parts := strings.Split(ts.ReadFile(filepath.Join(ts.Getenv("ROOT"), "docs", args[1])), "```yaml\n")
	n := int(args[2][0] - '0')
	if n < 1 || n >= len(parts) {
		ts.Fatalf("%s has only %d blocks", args[1], len(parts)-1)
	}
	text, _, _ := strings.Cut(parts[n], "```")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
