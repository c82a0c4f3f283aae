package secret

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// TLSError says what is wrong with the certificate or the private key of a Secret. It
// contains nothing of either.
type TLSError struct {
	// Key is the key of slipway.yaml that is wrong: cert or key.
	Key string
	// Problem says what is wrong, and Hint what to do.
	Problem, Hint string
}

// Error implements error.
func (e *TLSError) Error() string { return e.Problem }

// TLS returns a Secret with a certificate and its private key, both in PEM, and the parsed
// certificate. It does not check whether the certificate has expired. The error is a
// *TLSError.
func TLS(name string, cert, key Value) (Bundle, *x509.Certificate, error) {
	leaf, err := certificate(cert)
	if err != nil {
		return Bundle{}, nil, err
	}
	private, err := privateKey(key)
	if err != nil {
		return Bundle{}, nil, err
	}
	public, known := private.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !known || !public.Equal(leaf.PublicKey) {
		return Bundle{}, nil, &TLSError{Key: "key", Problem: "the private key does not belong to the certificate", Hint: "the certificate must be the first one in its file, before those of its issuers"}
	}
	return Bundle{Name: name, Type: TypeTLS, Data: map[string]Value{"tls.crt": cert, "tls.key": key}}, leaf, nil
}

// certificate returns the first certificate of a value. All of the value must be
// certificates.
func certificate(value Value) (*x509.Certificate, error) {
	bad := func(problem, hint string) (*x509.Certificate, error) {
		return nil, &TLSError{Key: "cert", Problem: "the certificate " + problem, Hint: hint}
	}
	var first *x509.Certificate
	for rest := value.Reveal(); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return bad("contains a private key", "set tls.cert to the certificate, and tls.key to the key")
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return bad("cannot be parsed", "only PEM blocks of the type CERTIFICATE are allowed in it")
		}
		if first == nil {
			first = parsed
		}
	}
	if first == nil {
		return bad("is not in PEM", "it must begin with -----BEGIN CERTIFICATE-----")
	}
	return first, nil
}

// privateKey parses a private key.
func privateKey(value Value) (crypto.Signer, error) {
	bad := func(problem, hint string) (crypto.Signer, error) {
		return nil, &TLSError{Key: "key", Problem: "the private key " + problem, Hint: hint}
	}
	text := value.Reveal()
	block, rest := pem.Decode(text)
	for block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam -genkey writes them first
		block, rest = pem.Decode(rest)
	}
	switch {
	case block == nil:
		return bad("is not in PEM", "it must begin with -----BEGIN PRIVATE KEY-----")
	case block.Type == "CERTIFICATE":
		return bad("is a certificate", "set tls.key to the key, and tls.cert to the certificate")
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] != "":
		return bad("is encrypted with a passphrase", "servers in a cluster cannot ask for it: decrypt the key, such as by openssl pkey")
	case len(bytes.TrimSpace(rest)) > 0:
		return bad("is followed by something else", "leave only the key in it")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return bad("cannot be parsed", "RSA, ECDSA and Ed25519 keys are accepted, in PKCS #8, PKCS #1 or SEC 1")
}
