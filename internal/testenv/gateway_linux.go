package testenv

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// gateway plays the role of the gateway in front of Polyaxon's server: it passes the requests for
// a service on to its pod. With /rewrite-services the pod gets the path below the port, and with
// /services the whole path.
func (n *node) gateway(t testing.TB, server string, of *names) string {
	t.Helper()
	api, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	// Each request has a connection of its own, as with Polyaxon's nginx: a service may end one that is idle just when
	// it is used again.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, network, address string) (connection net.Conn, err error) {
		n.inNetwork(func() error { connection, err = net.Dial(network, address); return nil })
		return connection, err
	}}
	to := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(api); r.Out.Host = r.In.Host }}
	services := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// /services/v1/NAMESPACE/OWNER/PROJECT/runs/UUID/PORT/REST
		parts := strings.SplitN(r.URL.Path, "/", 10)
		if len(parts) < 10 || parts[1] != "services" && parts[1] != "rewrite-services" {
			to.ServeHTTP(w, r)
			return
		}
		pods := of.addresses(r.Context(), "plx-operation-"+parts[7], parts[3])
		if len(pods) == 0 {
			http.Error(w, "no pod", http.StatusBadGateway)
			return
		}
		pod := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(out *httputil.ProxyRequest) {
			out.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(pods[0].String(), parts[8])})
			if parts[1] == "rewrite-services" {
				out.Out.URL.Path, out.Out.URL.RawPath = "/"+parts[9], ""
			}
			out.Out.Host = r.Host
		}}
		pod.ServeHTTP(w, r)
	})
	listening := httptest.NewServer(services)
	t.Cleanup(listening.Close)
	return listening.URL
}
