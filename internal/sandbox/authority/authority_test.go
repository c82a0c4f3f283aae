package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/authority"
)

const day = 24 * time.Hour

// leaf returns the certificate that a server shows.
func leaf(t *testing.T, a *authority.Authority) *x509.Certificate {
	t.Helper()
	c, err := a.TLS().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

// TestAuthorityLasts checks that a sandbox keeps its authority, with a mode that only its
// owner can read, and replaces it when it is damaged or expires.
func TestAuthorityLasts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "authority.pem")
	start := time.Now()
	at := start
	open := func() string {
		t.Helper()
		a, err := authority.Open(path, func() time.Time { return at })
		if err != nil {
			t.Fatal(err)
		}
		return string(a.PEM())
	}
	first := open()
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // Open must repair this
		t.Fatal(err)
	}
	if open() != first {
		t.Error("a second start has another authority")
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file stays readable for others: %v, %v", info.Mode(), err)
	}
	block, _ := pem.Decode([]byte(first))
	if issuer, err := x509.ParseCertificate(block.Bytes); err != nil || issuer.NotAfter.Sub(start).Round(day) != 3650*day || !issuer.PermittedDNSDomainsCritical {
		t.Errorf("the authority is %+v, %v", issuer, err)
	}
	if at = start.Add(8 * 365 * day); open() != first {
		t.Error("after 8 years it is another authority")
	}
	at = start.Add(9*365*day + day)
	later := open()
	if later == first {
		t.Error("an authority that expires within a year is kept")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{"", "nonsense", string(text[:len(text)/2]), first + first, strings.Replace(string(text), later, first, 1)} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if now := open(); now == first || now == later {
			t.Errorf("an authority was read from %q", damaged)
		}
	}
}

// TestLeaf checks that clients accept the server at the names of loopback and at no
// others, and that its certificate is replaced before it expires.
func TestLeaf(t *testing.T) {
	at := time.Now()
	a, err := authority.Open(filepath.Join(t.TempDir(), "authority.pem"), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: a.TLS(), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	defer server.Close()
	go func() { _ = server.ServeTLS(listener, "", "") }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	for name, accepted := range map[string]bool{"127.0.0.1": true, "localhost": true, "example.com": false, "127.0.0.2": false} {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, DisableKeepAlives: true}}
		response, err := client.Get("https://" + listener.Addr().String())
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) != accepted {
			t.Errorf("%s: %v", name, err)
		}
	}
	first := leaf(t, a)
	if lasts := first.NotAfter.Sub(at).Round(day); lasts != 90*day {
		t.Errorf("the certificate is valid for %s", lasts)
	}
	if at = at.Add(59 * day); !leaf(t, a).Equal(first) {
		t.Error("the certificate was replaced although it is valid for a month")
	}
	if at = at.Add(2 * day); leaf(t, a).Equal(first) || !leaf(t, a).NotAfter.After(at.Add(80*day)) {
		t.Error("the certificate was not replaced before it expired")
	}
}
