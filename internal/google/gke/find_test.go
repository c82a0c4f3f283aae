package gke_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/gke"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

const member = "projects/" + googletest.ProjectNumber + "/locations/global/memberships/ml"

// cloud is a Google Cloud with a control plane, which takes its tokens.
type cloud struct {
	*googletest.Server
	finder *gke.Finder
	// address is the control plane's, without https://, and authority its certificate
	// authority.
	address   string
	authority []byte
	served    atomic.Int32
	// refusal is the answer to all requests, if not empty.
	refusal string
}

// newCloud starts a cloud, whose service account has a key. change changes the options of its finder.
func newCloud(t *testing.T, change ...func(*google.Options)) *cloud {
	t.Helper()
	c := &cloud{Server: googletest.New(t)}
	plane := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.served.Add(1)
		_, ok := c.Valid(r)
		switch {
		case !ok:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
		case c.refusal != "":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, c.refusal)
		default:
			fmt.Fprintf(w, "ok %s", r.URL.Path)
		}
	}))
	t.Cleanup(plane.Close)
	c.address = plane.Listener.Addr().String()
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plane.Certificate().Raw})
	c.GatewayAt(plane.URL)
	options := c.Options()
	options.Key = secret.NewValue(c.NewKey(c.Account("deployer")))
	options.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	options.Endpoints.ConnectGateway = strings.Replace(options.Endpoints.ConnectGateway, "google.test", "127.0.0.1", 1)
	for _, one := range change {
		one(&options)
	}
	found, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	c.finder = &gke.Finder{Credentials: found, Roots: c.authority}
	return c
}

// ref is the cluster of the tests.
func ref() gke.Reference {
	return gke.Reference{Project: "acme-ml", Location: "europe-west4", Name: "ml"}
}

// get requests the version of the control plane.
func get(t *testing.T, config *rest.Config) (string, error) {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, text), err
}

// TestEndpoints chooses an endpoint for each kind of cluster, and uses it.
func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		name    string
		cluster googletest.Cluster
		deny    string
		asked   gke.Endpoint
		want    gke.Endpoint
		// requests are the requests to Google after that for a token. path is that of the control
		// plane.
		requests int
		path     string
	}{
		{"DNS first", googletest.Cluster{DNS: "@", Public: "@", Private: "@", Membership: member}, "", gke.Auto, gke.DNS, 1, "/version"},
		{"closed DNS", googletest.Cluster{DNS: "closed.gke.goog", ClosedDNS: true, Public: "@"}, "", gke.Auto, gke.Public, 1, "/version"},
		{"public", googletest.Cluster{Public: "@", Private: "192.0.2.1", Membership: member}, "", gke.Auto, gke.Public, 1, "/version"},
		{"an old public one", googletest.Cluster{Public: "@", Old: true}, "", gke.Auto, gke.Public, 1, "/version"},
		{"an old private one", googletest.Cluster{Private: "@", Old: true}, "", gke.Auto, gke.Private, 1, "/version"},
		{"authorized networks, in a fleet", googletest.Cluster{Public: "192.0.2.1", Authorized: true, Membership: member}, "", gke.Auto, gke.ConnectGateway, 2,
			"/v1/projects/123456789012/locations/global/gkeMemberships/ml/version"},
		{"authorized networks, without a gateway", googletest.Cluster{Public: "@", Authorized: true, Membership: member}, "gkehub.gateway.generateCredentials", gke.Auto, gke.Public, 2, "/version"},
		{"authorized networks", googletest.Cluster{Public: "@", Authorized: true}, "", gke.Auto, gke.Public, 1, "/version"},
		{"private, in a fleet", googletest.Cluster{Private: "192.0.2.1", Membership: member}, "", gke.Auto, gke.ConnectGateway, 2,
			"/v1/projects/123456789012/locations/global/gkeMemberships/ml/version"},
		{"private", googletest.Cluster{Private: "@"}, "", gke.Auto, gke.Private, 1, "/version"},
		{"only DNS", googletest.Cluster{DNS: "@"}, "", gke.Auto, gke.DNS, 1, "/version"},
		{"asked for public", googletest.Cluster{DNS: "dns.gke.goog", Public: "@"}, "", gke.Public, gke.Public, 1, "/version"},
		{"asked for private", googletest.Cluster{DNS: "dns.gke.goog", Public: "192.0.2.1", Private: "@"}, "", gke.Private, gke.Private, 1, "/version"},
		{"asked for DNS", googletest.Cluster{DNS: "@", Public: "192.0.2.1"}, "", gke.DNS, gke.DNS, 1, "/version"},
		{"asked for the gateway", googletest.Cluster{Public: "192.0.2.1", Membership: member}, "container.clusters.get", gke.ConnectGateway, gke.ConnectGateway, 2,
			"/v1/projects/123456789012/locations/global/gkeMemberships/ml/version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := newCloud(t)
			for _, address := range []*string{&c.cluster.DNS, &c.cluster.Public, &c.cluster.Private} {
				*address = strings.Replace(*address, "@", at.address, 1)
			}
			c.cluster.Location, c.cluster.Name, c.cluster.Authority = "europe-west4", "ml", at.authority
			at.AddCluster(c.cluster)
			if c.deny != "" {
				at.Deny(c.deny)
			}
			access, err := at.finder.Find(t.Context(), ref(), c.asked, "")
			if err != nil {
				t.Fatal(err)
			}
			if access.Endpoint != c.want || access.Why == "" || access.Name != "gke_acme-ml_europe-west4_ml" {
				t.Errorf("chose %+v, want %s", access, c.want)
			}
			if got, err := get(t, access.Config); err != nil || got != "200 ok "+c.path {
				t.Errorf("the control plane answered %q: %v", got, err)
			}
			if got := len(at.Requests()) - 1; got != c.requests {
				t.Errorf("%d requests, want %d: %s", got, c.requests, at.Requests())
			}
		})
	}
}

// TestGatewayOutOfReach uses the private endpoint in a network that does not know the gateway's name.
func TestGatewayOutOfReach(t *testing.T) {
	at := newCloud(t, func(o *google.Options) { o.Endpoints.ConnectGateway = "https://gateway.test" })
	at.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Private: at.address, Authority: at.authority, Membership: member})
	access, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
	if err != nil || access.Endpoint != gke.Private {
		t.Fatalf("%+v, %v", access, err)
	}
	lost := new(google.UnreachableError)
	if _, err := at.finder.Find(t.Context(), ref(), gke.ConnectGateway, ""); !errors.As(err, &lost) || lost.Host != "gateway.test" {
		t.Errorf("asked for the gateway: %v", err)
	}
}

// TestTokenOfCluster renews the token when the control plane refuses it, once.
func TestTokenOfCluster(t *testing.T) {
	at := newCloud(t)
	at.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: at.address, Authority: at.authority})
	access, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
	if err != nil {
		t.Fatal(err)
	}
	at.Expire()
	if got, err := get(t, access.Config); err != nil || !strings.HasPrefix(got, "200") || at.served.Load() != 2 {
		t.Errorf("after %d requests: %q, %v", at.served.Load(), got, err)
	}
}

// TestCertificate refuses a control plane whose certificate is of another authority, and one
// without an authority. No token is sent to it.
func TestCertificate(t *testing.T) {
	at := newCloud(t)
	refuse := func(want string, cluster googletest.Cluster) {
		t.Helper()
		at.finder = &gke.Finder{Credentials: at.finder.Credentials} // with the authorities of the system
		cluster.Location, cluster.Name = "europe-west4", "ml"
		at.AddCluster(cluster)
		access, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
		if err == nil {
			_, err = get(t, access.Config)
		}
		if err == nil || !strings.Contains(err.Error(), want) || at.served.Load() != 0 {
			t.Errorf("%+v: %v", cluster, err)
		}
	}
	refuse("without a certificate authority", googletest.Cluster{Public: at.address})
	refuse("without a certificate authority", googletest.Cluster{Public: at.address, Authority: []byte("not PEM")})
	refuse("cannot be reached: its certificate is refused, which the authority that GKE names for it must have signed", googletest.Cluster{Public: at.address, Authority: stranger(t)})
	refuse("cannot be reached: its certificate is refused, which an authority that this machine trusts must have signed", googletest.Cluster{DNS: at.address, Authority: at.authority}) // which does not count for the DNS name
}

// stranger makes a certificate authority that has signed nothing.
func stranger(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})
}

// TestNotFound names the cluster that may be meant.
func TestNotFound(t *testing.T) {
	for _, c := range []struct {
		name     string
		clusters []googletest.Cluster
		deny     string
		want     string
	}{
		{"elsewhere", []googletest.Cluster{{Location: "europe-west4-a", Name: "ml"}, {Location: "us-central1", Name: "mll"}}, "", "did you mean ml in europe-west4-a?"},
		{"a typo", []googletest.Cluster{{Location: "europe-west4", Name: "mll"}, {Location: "us-central1", Name: "production"}}, "", "did you mean mll in europe-west4?"},
		{"a typo, in two places", []googletest.Cluster{{Location: "europe-west4-a", Name: "mll"}, {Location: "europe-west4", Name: "mll"}}, "", "did you mean mll in europe-west4 or mll in europe-west4-a?"},
		{"others", []googletest.Cluster{{Location: "europe-west4", Name: "production"}, {Location: "us-central1", Name: "staging-two"}}, "",
			"the project has production in europe-west4 and staging-two in us-central1"},
		{"none", nil, "", "there is no cluster ml in europe-west4 of project acme-ml"},
		{"not allowed to list", []googletest.Cluster{{Location: "europe-west4", Name: "mll"}}, "container.clusters.list", "there is no cluster ml in europe-west4"},
	} {
		at := newCloud(t)
		for _, cluster := range c.clusters {
			at.AddCluster(cluster)
		}
		at.Deny(c.deny)
		_, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
		none := new(gke.NotFoundError)
		if !errors.As(err, &none) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestUnusable says why a cluster, or an endpoint, cannot be used.
func TestUnusable(t *testing.T) {
	for _, c := range []struct {
		name    string
		cluster googletest.Cluster
		deny    string
		asked   gke.Endpoint
		target  any
		want    []string
	}{
		{"created", googletest.Cluster{Status: "PROVISIONING"}, "", gke.Auto, new(*gke.NotReadyError), []string{"still being created", "PROVISIONING"}},
		{"deleted", googletest.Cluster{Status: "STOPPING"}, "", gke.Auto, new(*gke.NotReadyError), []string{"being deleted"}},
		{"broken", googletest.Cluster{Status: "ERROR", Detail: "All cluster resources were brought up, but the quota was exceeded."}, "", gke.Auto, new(*gke.NotReadyError),
			[]string{"error state", "the quota was exceeded"}},
		{"no DNS", googletest.Cluster{DNS: "x.gke.goog", ClosedDNS: true, Public: "192.0.2.1"}, "", gke.DNS, new(*gke.EndpointError), []string{"use public", "allow external traffic"}},
		{"no private", googletest.Cluster{DNS: "x.gke.goog"}, "", gke.Private, new(*gke.EndpointError), []string{"use dns"}},
		{"none at all", googletest.Cluster{}, "", gke.Auto, new(*gke.EndpointError), []string{"enable its DNS-based endpoint"}},
		{"not in a fleet", googletest.Cluster{Public: "192.0.2.1"}, "", gke.ConnectGateway, new(*gke.NoMembershipError), []string{"not a member of the fleet of project acme-ml"}},
		{"fleet not visible", googletest.Cluster{Membership: member}, "gkehub.memberships.list", gke.ConnectGateway, new(*google.PermissionError), []string{"gkehub.memberships.list", "roles/gkehub.viewer"}},
		{"gateway denied", googletest.Cluster{Membership: member}, "gkehub.gateway.generateCredentials", gke.Auto, new(*google.PermissionError), []string{"roles/gkehub.gatewayEditor"}},
		{"denied", googletest.Cluster{Public: "192.0.2.1"}, "container.clusters.get", gke.Auto, new(*google.PermissionError),
			[]string{"lacks the permission container.clusters.get on projects/acme-ml/locations/europe-west4/clusters/ml", "roles/container.clusterViewer"}},
	} {
		at := newCloud(t)
		c.cluster.Location, c.cluster.Name, c.cluster.Authority = "europe-west4", "ml", at.authority
		at.AddCluster(c.cluster)
		at.Deny(c.deny)
		_, err := at.finder.Find(t.Context(), ref(), c.asked, "")
		if err == nil || !errors.As(err, c.target) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", c.name, part, err)
			}
		}
	}
}

// TestFrontEndRefuses tells a refusal by IAM from one by Kubernetes, which passes.
func TestFrontEndRefuses(t *testing.T) {
	at := newCloud(t)
	at.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", DNS: at.address})
	access, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
	if err != nil {
		t.Fatal(err)
	}
	at.refusal = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"secrets is forbidden","reason":"Forbidden","code":403}`
	if got, err := get(t, access.Config); err != nil || got != "403 "+at.refusal {
		t.Errorf("Kubernetes' refusal: %q, %v", got, err)
	}
	for _, refusal := range []string{"<!DOCTYPE html><title>403 Forbidden</title>",
		`{"error": {"code": 403, "message": "Permission 'container.clusters.connect' denied on resource (or it may not exist).", "status": "PERMISSION_DENIED"}}`} {
		at.refusal = refusal
		_, err = get(t, access.Config)
		denied := new(google.PermissionError)
		if !errors.As(err, &denied) || denied.Permission != "container.clusters.connect" || denied.Resource != ref().String() {
			t.Errorf("%s: %v", refusal, err)
		}
	}
}

// TestUnreachable says what may stand between this machine and a control plane.
func TestUnreachable(t *testing.T) {
	at := newCloud(t)
	closed := httptest.NewServer(nil)
	address := closed.Listener.Addr().String()
	closed.Close()
	at.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Public: address, Authorized: true, Private: address, Authority: at.authority})
	for endpoint, want := range map[gke.Endpoint]string{gke.Public: "authorized networks", gke.Private: "only its own network reaches it"} {
		access, err := at.finder.Find(t.Context(), ref(), endpoint, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = get(t, access.Config)
		lost := new(gke.UnreachableError)
		if !errors.As(err, &lost) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// TestBadMemberships refuses memberships whose location would be another host, or whose name
// would be another path. No gateway is asked, because it would get the token.
func TestBadMemberships(t *testing.T) {
	for _, bad := range []string{
		"projects/1/locations/evil.example?/memberships/ml", "projects/1/locations/evil.example#/memberships/ml", "projects/1/locations/a@evil.example:1?/memberships/ml",
		"projects/1/locations//memberships/ml", "projects/1/locations/global/memberships/..", "projects/../locations/global/memberships/ml", "projects/1/locations/global/other/ml",
	} {
		at := newCloud(t)
		at.AddCluster(googletest.Cluster{Location: "europe-west4", Name: "ml", Authority: at.authority, Membership: bad})
		_, err := at.finder.Find(t.Context(), ref(), gke.Auto, "")
		if err == nil || !strings.Contains(err.Error(), "has a membership of a fleet without a valid name") {
			t.Errorf("%s: %v", bad, err)
		}
		for _, request := range at.Requests() {
			if strings.Contains(request, "generateCredentials") {
				t.Errorf("%s: %s was sent", bad, request)
			}
		}
	}
}

// TestBadNames refuses names before a request is sent.
func TestBadNames(t *testing.T) {
	at := newCloud(t)
	for _, bad := range []gke.Reference{
		{"", "europe-west4", "ml"}, {"acme/ml", "europe-west4", "ml"}, {"acme-ml", "europe", "ml"}, {"acme-ml", "-", "ml"}, {"acme-ml", "europe-west4", "ML"}, {"acme-ml", "europe-west4", "../x"},
	} {
		if _, err := at.finder.Find(t.Context(), bad, gke.Auto, ""); err == nil || !strings.Contains(err.Error(), "is not") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := at.finder.Find(t.Context(), ref(), gke.Auto, "a/b"); err == nil {
		t.Error("a fleet that is no project")
	}
	if len(at.Requests()) != 0 {
		t.Errorf("sent %s", at.Requests())
	}
}
