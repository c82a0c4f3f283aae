package secret

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

// inPEM returns blocks of PEM.
func inPEM(t *testing.T, blocks ...any) string {
	t.Helper()
	var b bytes.Buffer
	for n := 0; n < len(blocks); n += 2 {
		if err := pem.Encode(&b, &pem.Block{Type: blocks[n].(string), Bytes: blocks[n+1].([]byte)}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// signed returns a certificate of a key that signs itself.
func signed(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestTLS has keys of each kind and form, and values that are wrong.
func TestTLS(t *testing.T) {
	t.Parallel()
	must := func(text []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	onCurve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ofRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte { return must(x509.MarshalPKCS8PrivateKey(key)) }
	cert, key := inPEM(t, "CERTIFICATE", signed(t, onCurve)), inPEM(t, "PRIVATE KEY", pkcs8(onCurve))
	for name, c := range map[string]struct{ cert, key, wrong, problem string }{
		"PKCS #8":       {cert, key, "", ""},
		"CRLF":          {strings.ReplaceAll(cert, "\n", "\r\n"), strings.ReplaceAll(key, "\n", "\r\n"), "", ""},
		"SEC 1":         {cert, inPEM(t, "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(onCurve))), "", ""},
		"openssl's":     {"subject=CN = web\n" + cert, inPEM(t, "EC PARAMETERS", []byte{6, 1, 1}, "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(onCurve))), "", ""},
		"PKCS #1":       {inPEM(t, "CERTIFICATE", signed(t, ofRSA)), inPEM(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ofRSA)), "", ""},
		"Ed25519":       {inPEM(t, "CERTIFICATE", signed(t, edwards)), inPEM(t, "PRIVATE KEY", pkcs8(edwards)), "", ""},
		"a chain":       {cert + inPEM(t, "CERTIFICATE", signed(t, ofRSA)), key, "", ""},
		"another chain": {inPEM(t, "CERTIFICATE", signed(t, ofRSA)) + cert, key, "key", "the private key does not belong to the certificate"},
		"another kind":  {cert, inPEM(t, "PRIVATE KEY", pkcs8(edwards)), "key", "the private key does not belong to the certificate"},
		"swapped":       {key, cert, "cert", "the certificate contains a private key"},
		"twice":         {cert, cert, "key", "the private key is a certificate"},
		"no PEM":        {"hush", key, "cert", "the certificate is not in PEM"},
		"no key in PEM": {cert, "hush", "key", "the private key is not in PEM"},
		"damaged":       {inPEM(t, "CERTIFICATE", []byte("hush")), key, "cert", "the certificate cannot be parsed"},
		"damaged key":   {cert, inPEM(t, "PRIVATE KEY", []byte("hush")), "key", "the private key cannot be parsed"},
		"encrypted":     {cert, inPEM(t, "ENCRYPTED PRIVATE KEY", []byte("hush")), "key", "the private key is encrypted with a passphrase"},
		"both":          {cert, key + cert, "key", "the private key is followed by something else"},
	} {
		b, leaf, err := TLS("web", NewValue([]byte(c.cert)), NewValue([]byte(c.key)))
		if c.wrong == "" {
			if err != nil || leaf.NotAfter.IsZero() || b.Type != TypeTLS || string(b.Data["tls.crt"].Reveal()) != c.cert || string(b.Data["tls.key"].Reveal()) != c.key {
				t.Errorf("%s: %+v, %v", name, b, err)
			}
			continue
		}
		wrong := new(TLSError)
		if !errors.As(err, &wrong) || wrong.Key != c.wrong || wrong.Problem != c.problem || strings.Contains(err.Error()+wrong.Hint, "hush") {
			t.Errorf("%s: %v, want %s: %s", name, err, c.wrong, c.problem)
		}
	}
}
