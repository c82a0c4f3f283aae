// Package authority is the certificate authority of one sandbox. The sandbox serves its
// Kubernetes API with the authority's certificates, because kubectl sends a token to no
// server without TLS.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

const (
	day = 24 * time.Hour
	// lifetime is how long an authority is valid. One that is valid for less than margin is
	// replaced at the next start.
	lifetime = 10 * 365 * day
	margin   = 365 * day
	// leafLifetime is how long a server's certificate is valid. One that is valid for less
	// than leafMargin is replaced at the next connection.
	leafLifetime = 90 * day
	leafMargin   = 30 * day
	// skew is how far the clocks of clients may be behind.
	skew = time.Hour
)

// Authority issues the certificates of one sandbox's server. It is safe for concurrent
// use.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	now         func() time.Time

	mu   sync.Mutex
	leaf *tls.Certificate
}

// Open returns the authority in the file at path. It makes a new one if there is none, if
// the file cannot be read as one, or if the authority expires soon. Only the file's owner
// can read it. Nil for now means the system's clock.
func Open(path string, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	texts, err := disk.Read(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("read the sandbox's certificate authority: %w", err)
	}
	for _, text := range texts {
		if a := parse(text); a != nil && now().Add(margin).Before(a.certificate.NotAfter) {
			a.now = now
			return a, disk.Write(path, text, 0o600) // whatever mode it has
		}
	}
	a, err := create(now)
	if err != nil {
		return nil, fmt.Errorf("create the sandbox's certificate authority: %w", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	return a, disk.Write(path, append(a.PEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), 0o600)
}

// parse returns the authority that a file contains, or nil if it contains none.
func parse(text []byte) *Authority {
	certificate, rest := pem.Decode(text)
	key, _ := pem.Decode(rest)
	if certificate == nil || key == nil {
		return nil
	}
	a := &Authority{}
	var err error
	if a.certificate, err = x509.ParseCertificate(certificate.Bytes); err != nil {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		return nil
	}
	var ok bool
	if a.key, ok = parsed.(*ecdsa.PrivateKey); !ok || !a.key.PublicKey.Equal(a.certificate.PublicKey) {
		return nil
	}
	return a
}

// create returns a new authority. It can only issue certificates for loopback, so that
// nobody who trusts it trusts it for another host.
func create(now func() time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"slipway"}, CommonName: fmt.Sprintf("slipway sandbox %.8x", serial)},
		NotBefore: now().Add(-skew), NotAfter: now().Add(lifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 1).To4(), Mask: net.CIDRMask(32, 32)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{certificate: certificate, key: key, now: now}, err
}

// PEM returns the authority's certificate, by which clients check the server.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// TLS returns the configuration of a server at 127.0.0.1 or localhost. The server's
// certificate is in memory only, and is replaced before it expires.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.leaf == nil || a.now().Add(leafMargin).After(a.leaf.Leaf.NotAfter) {
			leaf, err := a.issue()
			if err != nil {
				return nil, err
			}
			a.leaf = leaf
		}
		return a.leaf, nil
	}}
}

// issue returns a new certificate for the server.
func (a *Authority) issue() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: a.now().Add(-skew), NotAfter: a.now().Add(leafLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// newSerial returns a random serial number of 128 bits.
func newSerial() *big.Int {
	text := make([]byte, 16)
	_, _ = rand.Read(text) // never fails
	return new(big.Int).SetBytes(text)
}
