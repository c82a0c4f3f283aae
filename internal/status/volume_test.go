package status

import (
	"strings"
	"testing"
)

// TestAddresses shows where connections lead, and no credential that stands in an address.
func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"https://user:canary@git.acme.dev/repo": "https://git.acme.dev/repo", "https://canary@git.acme.dev": "https://git.acme.dev",
		"https://h/x?sig=canary": "https://h/x", "https://h/x#canary": "https://h/x",
		"jdbc:postgresql://u:canary@db/x": "", "user:canary@host/x": "", "canary@github.com/acme/repo": "", "%": "",
	} {
		if got := address(text); got != want || strings.Contains(got, "canary") {
			t.Errorf("%s is shown as %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"gs://acme": "gs://acme", "wasbs://container@account.blob.core.windows.net": "wasbs://container@account.blob.core.windows.net",
		"s3://key:canary@acme/x": "s3://acme/x", "https://a.blob.core.windows.net/c?sv=1&sig=canary": "https://a.blob.core.windows.net/c",
	} {
		if got := bucket(text); got != want {
			t.Errorf("%s is shown as %q, want %q", text, got, want)
		}
	}
}
