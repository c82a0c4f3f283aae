package project_test

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/source"
)

const gkeLine = "google: {credentials: env:KEY}\ncluster: {gke: {project: acme-ml, location: europe-west4, name: ml}}\n"

// TestAccessToGKE connects to a cluster by its name, and goes on after its tokens have
// expired.
func TestAccessToGKE(t *testing.T) {
	cloud := googletest.New(t)
	plane := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who, ok := cloud.Valid(r); !ok || !strings.HasPrefix(who, "serviceAccount:deployer@") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(plane.Close)
	cloud.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: plane.Listener.Addr().String(),
		Authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plane.Certificate().Raw})})
	p, _ := open(t, cloud, gkeLine, map[string]string{"KEY": string(cloud.NewKey(cloud.Account("deployer")))})
	access, err := p.Access(t.Context())
	if err != nil || access.Name != "gke_acme-ml_europe-west4_ml" {
		t.Fatal(access, err)
	}
	client, err := rest.HTTPClientFor(access.Config)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		response, err := client.Get(access.Config.Host)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("the cluster answers %s", response.Status)
		}
		cloud.Expire()
	}
	if _, err := p.Access(t.Context()); err != nil {
		t.Error(err)
	}
	if asked := strings.Join(cloud.Requests(), "\n"); strings.Count(asked, "/clusters/ml") != 1 || strings.Count(asked, "/token") != 2 {
		t.Errorf("requests\n%s", asked)
	}
}

// TestNoAccessToGKE checks the errors for clusters that cannot be used: the position, and
// whether slipway.yaml is to be corrected.
func TestNoAccessToGKE(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*googletest.Server)
		text    string
		mistake bool
		want    string
	}{
		"unknown": {func(s *googletest.Server) { s.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "nl"}) }, gkeLine, true,
			"slipway.yaml:3:65: there is no cluster ml in europe-west4 of project acme-ml: did you mean nl in europe-west4?"},
		"elsewhere": {func(s *googletest.Server) { s.AddCluster(googletest.Cluster{Location: "us-east1-b", Name: "ml"}) }, gkeLine, true,
			"did you mean ml in us-east1-b?"},
		"being created": {func(s *googletest.Server) {
			s.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Status: "PROVISIONING", Detail: "health checks"})
		}, gkeLine, false, "slipway.yaml:3:16: projects/acme-ml/locations/europe-west4/clusters/ml is still being created: wait until it is running (PROVISIONING: health checks)"},
		"not allowed": {func(s *googletest.Server) { s.Deny("container.clusters.get") }, gkeLine, false,
			"slipway.yaml:3:16: service account deployer@acme-ml.iam.gserviceaccount.com lacks the permission container.clusters.get on projects/acme-ml/locations/europe-west4/clusters/ml: " +
				"grant roles/container.clusterViewer to serviceAccount:deployer@acme-ml.iam.gserviceaccount.com"},
		"no such endpoint": {func(s *googletest.Server) {
			s.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: "192.0.2.1"})
		}, strings.Replace(gkeLine, "name: ml", "name: ml, endpoint: dns", 1), true, `slipway.yaml:3:79: projects/acme-ml/locations/europe-west4/clusters/ml has no endpoint "dns" that clients can use: use public`},
		"no fleet": {func(*googletest.Server) {}, strings.Replace(gkeLine, "name: ml", "name: ml, endpoint: fleet", 1), true, "slipway.yaml:3:79: projects/acme-ml/locations/europe-west4/clusters/ml is not a member of the fleet"},
		"no account": {func(s *googletest.Server) { s.DisableAccount("deployer@acme-ml.iam.gserviceaccount.com") }, gkeLine, false,
			"slipway.yaml:3:16: no access token for service account deployer@acme-ml.iam.gserviceaccount.com: "},
		"no credentials": {func(*googletest.Server) {}, "cluster: {gke: {project: acme-ml, location: europe-west4, name: ml}}\n", true, "slipway.yaml:2:16: no credentials for Google Cloud (searched: "},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := googletest.New(t)
			key := cloud.NewKey(cloud.Account("deployer"))
			c.prepare(cloud)
			p, _ := open(t, cloud, c.text, map[string]string{"KEY": string(key)})
			_, err := p.Access(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, new(*source.Error)) != c.mistake {
				t.Errorf("%v", err)
			}
		})
	}
}
