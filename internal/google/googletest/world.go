package googletest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/google"
)

// World returns a transport on which this is Google's public cloud: requests for the
// addresses of google.Public come here, and all others go to next. It is for tests of a
// whole command, which knows no other addresses.
func (s *Server) World(next http.RoundTripper) http.RoundTripper {
	s.public = true
	all, services := google.Public(), map[string]string{}
	for service, address := range map[string]string{
		"oauth2": all.Token, "sts": all.STS, "iamcredentials": all.IAMCredentials, "container": all.Container,
		"gkehub": all.GKEHub, "connectgateway": all.ConnectGateway, "secretmanager": all.SecretManager, "": all.Metadata,
	} {
		if at, err := url.Parse(address); err == nil {
			services[at.Host] = service
		}
	}
	services["google.test"] = "" // the OIDC tokens of GitHub
	return &world{direct{s}, next, services}
}

// world is a transport to a Google Cloud and to all else.
type world struct {
	cloud, next http.RoundTripper
	// services are the names of services, by host.
	services map[string]string
}

// RoundTrip implements http.RoundTripper.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	inside := request.Clone(request.Context())
	service, ok := w.services[request.URL.Host]
	if region, regional := regionOf(request.URL.Host); regional {
		service, ok = "secretmanager", true
		inside.Header.Set(regionHeader, region+"/")
	}
	if !ok {
		return w.next.RoundTrip(request)
	}
	inside.URL.Host = "google.test"
	if service != "" {
		inside.URL.Path = "/" + service + "/" + strings.TrimPrefix(request.URL.Path, "/")
	}
	response, err := w.cloud.RoundTrip(inside)
	if err == nil {
		response.Request = request
	}
	return response, err
}

// regionOf returns the region of a regional endpoint of Secret Manager.
func regionOf(host string) (region string, ok bool) {
	rest, ok := strings.CutPrefix(host, "secretmanager.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, ".rep.googleapis.com")
}
