// Package google gives access to Google Cloud: an identity, access tokens that renew
// themselves, and requests whose errors say who was refused which permission on what.
//
// Find looks for credentials. They are a service account's key, Workload Identity
// Federation, or Application Default Credentials. Nothing is written to disk.
// Credentials.Client sends requests to a service, and Credentials.Transport adds tokens to
// the requests of another client, such as the one for Kubernetes.
//
// Package gke finds clusters, and package secretmanager reads secrets.
package google

import (
	"net/http"
	"net/url"
	"time"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// CloudPlatform is the scope of all services of Google Cloud. What an identity may do is
// decided by its roles.
const CloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// Endpoints are the addresses of Google's services, without a slash at the end.
type Endpoints struct {
	// Token is the whole address at which a service account's key or a user's refresh token
	// is exchanged for an access token.
	Token string
	// STS is the Security Token Service, which exchanges the tokens of other identity
	// providers. IAMCredentials makes access tokens of service accounts.
	STS, IAMCredentials string
	// Container is GKE. GKEHub has the memberships of fleets, and ConnectGateway is the proxy
	// to their clusters.
	Container, GKEHub, ConnectGateway string
	SecretManager                     string
	// Storage is Cloud Storage.
	Storage string
	// Metadata is the server that a virtual machine of Google, or a pod of GKE, asks for its
	// own identity.
	Metadata string
}

// Public returns the addresses of Google's public cloud.
func Public() Endpoints {
	return Endpoints{
		Token:          "https://oauth2.googleapis.com/token",
		STS:            "https://sts.googleapis.com",
		IAMCredentials: "https://iamcredentials.googleapis.com",
		Container:      "https://container.googleapis.com",
		GKEHub:         "https://gkehub.googleapis.com",
		ConnectGateway: "https://connectgateway.googleapis.com",
		SecretManager:  "https://secretmanager.googleapis.com",
		Storage:        "https://storage.googleapis.com",
		Metadata:       "http://169.254.169.254",
	}
}

// maxAnswer is the maximum size of an answer. The largest is a list of clusters.
const maxAnswer = 16 << 20

// patient returns a copy of a transport for requests to Google. A service that does not
// answer ends in an error. The metadata server is asked without a proxy, which would answer
// for its own machine.
func patient(base *http.Transport) http.RoundTripper {
	base = base.Clone()
	proxy := base.Proxy
	base.Proxy = func(request *http.Request) (*url.URL, error) {
		if request.Header.Get(metadataFlavor) != "" || proxy == nil {
			return nil, nil //nolint:nilnil // no proxy
		}
		return proxy(request)
	}
	return timeouts.Transport(base, timeouts.Limits{Response: 30 * time.Second, Chunk: 30 * time.Second, Pace: 16 << 10})
}
