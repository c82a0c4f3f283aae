package polyaxontest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// service starts a service, requests it through the server's gateway, and stops it.
func (s *suite) service(t *testing.T) {
	for _, rewrite := range []bool{false, true} {
		port := freePort(t)
		created := s.create(t, polyaxon.CreateRun{Content: s.operation(func(_, _, run map[string]any) {
			run["kind"], run["ports"], run["rewritePath"] = "service", []int{port}, rewrite
		}, fmt.Sprint("serve=", port))})
		s.becomes(t, created.UUID, polyaxon.Running)
		told, err := s.Client.Run(s.ctx, project, created.UUID)
		must(t, err)
		address, err := s.Client.ServiceURL(s.ctx, told, s.Namespace)
		must(t, err)
		prefix := map[bool]string{false: "/services/v1/", true: "/rewrite-services/v1/"}[rewrite]
		behind := ""
		if s.Version.Major != 1 {
			behind = fmt.Sprint(port, "/")
		}
		if want := s.Client.Host() + prefix + s.Namespace + "/default/" + project + "/runs/" + created.UUID + "/" + behind; address != want || told.Kind != "service" {
			t.Errorf("the %s answers at %s, want %s", told.Kind, address, want)
		}
		if s.Services {
			s.until(t, "the service answers", func() bool { return strings.Contains(s.get(address+"predict"), "hello from the job") })
		}
		must(t, s.Client.Stop(s.ctx, project, created.UUID))
		s.becomes(t, created.UUID, polyaxon.Stopped)
		if s.Services && strings.Contains(s.get(address), "hello") {
			t.Error("the service answers after it was stopped")
		}
	}
}

// get returns the body of the response to a GET request, or the text of the error.
func (s *suite) get(address string) string {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, address, nil)
	if err != nil {
		return err.Error()
	}
	if s.Token.Len() > 0 {
		request.Header.Set("Authorization", "Token "+string(s.Token.Reveal()))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

// freePort returns a port of this machine that was free just now.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
