package polyaxon

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
)

// service forwards a request to a service's port, as the gateway of a cluster does.
func (s *Server) service(w http.ResponseWriter, r *http.Request, prefix string) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, prefix), "/", 6) // ns/owner/project/runs/uuid/rest
	if len(parts) < 5 {
		s.unknownPath(w, r)
		return
	}
	run, known := s.store.run(parts[4])
	if from := callerOf(r); from != nil && (!known || run.Project != from.Project) {
		forbid(w)
		return
	}
	serving := s.executor.serving(parts[4])
	rest, named := "", len(parts) > 5
	if named {
		rest = parts[5]
	}
	port := 0
	switch {
	case s.dialect.portInPath:
		var number string
		number, rest, named = strings.Cut(rest, "/")
		port, _ = strconv.Atoi(number) // no service has port 0
	case serving != nil:
		port = serving.ports[0]
	}
	if !named {
		s.unknownPath(w, r)
		return
	}
	if serving == nil || port == 0 {
		http.Error(w, "the service is not running", http.StatusBadGateway)
		return
	}
	target := &url.URL{Scheme: "http", Host: r.Host}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (connection net.Conn, err error) {
		defer panics.Keep(ctx, &err, "the connection to run "+parts[4])
		return serving.dial(ctx, port)
	}}
	proxy := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host
		p.Out.Header.Del("Authorization") // the service must not see the sandbox's token
		p.Out.Header.Del("Origin")
		if strings.HasPrefix(prefix, "/rewrite") {
			p.Out.URL.Path, p.Out.URL.RawPath = "/"+rest, ""
		}
	}}
	proxy.ServeHTTP(w, r)
}
