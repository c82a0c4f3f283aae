//go:build unix

package actions_test

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestInstallThroughProxy downloads by HTTPS from a host that only a proxy can reach, as HTTPS_PROXY
// names it. Without the proxy, the host has no address.
func TestInstallThroughProxy(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	releases := httptest.NewTLSServer(http.HandlerFunc(r.answer))
	t.Cleanup(releases.Close)
	asked := make(chan string, 8)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		asked <- request.Method + " " + request.Host
		to, err := net.Dial("tcp", releases.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer from.Close()
		go func() { _, _ = io.Copy(to, from) }()
		_, _ = io.Copy(from, to)
	}))
	t.Cleanup(proxy.Close)
	r.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: releases.Certificate().Raw})))
	got := r.install("", "SLIPWAY_DOWNLOAD_URL=https://mirror.example.com/mirror", "HTTPS_PROXY="+proxy.URL, "CURL_CA_BUNDLE="+r.path("ca.pem"))
	r.installed(got, "v1.2.3", "linux/amd64", "tools/slipway/1.2.3/x64/slipway")
	close(asked)
	if host := <-asked; host != "CONNECT mirror.example.com:443" || !strings.Contains(got.log, "https://mirror.example.com/mirror/v1.2.3/") {
		t.Error(host, got.log)
	}
}
