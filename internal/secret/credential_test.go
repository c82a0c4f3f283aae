package secret

import (
	"errors"
	"testing"
)

// TestCredential has what editors and echo write after a password, and what nobody means.
func TestCredential(t *testing.T) {
	for text, want := range map[string]string{"pass word": "pass word", "ends\n": "ends", "windows\r\n": "windows", "é ": "é ", "two\n\n": "", "a\nb": "", "tab\t": "", "nul\x00": "", "\x7f": ""} {
		got, err := NewValue([]byte(text)).Credential()
		if wrong := new(CredentialError); string(got.Reveal()) != want || (want == "") != errors.As(err, &wrong) {
			t.Errorf("%q: %q, %v; want %q", text, got.Reveal(), err, want)
		}
	}
}
