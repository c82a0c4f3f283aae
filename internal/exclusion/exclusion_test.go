package exclusion

import (
	"fmt"
	"testing"
)

const (
	privateKey  = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
	certificate = "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n"
)

func FuzzHoldsKey(f *testing.F) {
	f.Add([]byte(privateKey), 3)
	f.Add([]byte(certificate), 0)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		if n < 0 || n > len(text) {
			return
		}
		with := fmt.Appendf(nil, "%s%s%s", text[:n], privateKey, text[n:])
		if !HoldsKey(with) {
			t.Fatalf("no key is found in %q", with)
		}
	})
}

func TestOftenSecret(t *testing.T) {
	for file, want := range map[string]bool{
		".env": true, "a/prod.env": true, ".env.local": true, ".env.example": false, "environment": false,
		".aws/credentials": true, "credentials": false, ".kube/config": true, "kube/config": false,
		"client_secret_1.json": true, "secrets.json": false, "a.p12": true,
	} {
		if OftenSecret(file) != want {
			t.Errorf("%s: %t", file, !want)
		}
	}
}

func TestExcluded(t *testing.T) {
	for name, want := range map[string]bool{
		".git": true, ".slipway": true, "__pycache__": true, ".gitignore": false, "id_rsa": true, "id_rsa.pub": false,
		"gha-creds-12.json": true, "gha-creds.json": false,
	} {
		if Excluded(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}
