package google

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// OverrideError reports that an environment variable names an address to which access tokens must
// not be sent.
type OverrideError struct{ Variable, Problem string }

// Error implements error.
func (e *OverrideError) Error() string {
	return fmt.Sprintf("%s %s: give an address such as https://container-NAME.p.googleapis.com/, or unset it", e.Variable, e.Problem)
}

// overridden returns the addresses, and in place of some of them those that the environment names
// for gcloud, such as the endpoints of Private Service Connect. See
// cloud.google.com/sdk/gcloud/reference/topic/configurations and
// cloud.google.com/vpc/docs/about-accessing-google-apis-endpoints. Credentials are sent there, so
// they have to be Google's, or on this machine.
func (e Endpoints) overridden(lookup func(string) (string, bool)) (Endpoints, error) {
	if lookup == nil {
		return e, nil
	}
	for _, one := range []struct {
		name    string
		address *string
	}{
		{"CLOUDSDK_AUTH_TOKEN_HOST", &e.Token},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", &e.STS},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", &e.IAMCredentials},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", &e.Container},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_GKEHUB", &e.GKEHub},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONNECTGATEWAY", &e.ConnectGateway},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", &e.SecretManager},
		{"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", &e.Storage},
	} {
		value, ok := lookup(one.name)
		if !ok || value == "" {
			continue
		}
		if problem := untrusted(value); problem != "" {
			return Endpoints{}, &OverrideError{one.name, problem}
		}
		*one.address = strings.TrimSuffix(value, "/")
	}
	return e, nil
}

// untrusted says why no token may be sent to an address, or returns "".
func untrusted(address string) string {
	at, err := url.Parse(address)
	if err != nil || at.Hostname() == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return "is not an address without a user and a query"
	}
	host := strings.ToLower(at.Hostname())
	ip := net.ParseIP(host)
	switch {
	case host == "localhost" || ip != nil && ip.IsLoopback():
		if at.Scheme != "http" && at.Scheme != "https" {
			return "is not an address of HTTP"
		}
	case !strings.HasSuffix(host, "."+publicUniverse):
		return "names the host " + host + ", and access tokens are only sent to hosts of " + publicUniverse + " and to this machine"
	case at.Scheme != "https":
		return "is not an https address"
	}
	return ""
}
