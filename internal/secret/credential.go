package secret

import (
	"bytes"
	"slices"
)

// CredentialError says that a value cannot be a password or a token of HTTP. It contains nothing
// of the value.
type CredentialError struct{}

// Error implements error.
func (*CredentialError) Error() string {
	return "the value has a line break or another control character, which no password or token may have"
}

// Credential returns a value as a password or a token: without the line break at its end that
// editors and echo write, and that a file or a pasted variable therefore has. The error is a
// *CredentialError if another control character is left (RFC 7617, section 2).
func (v Value) Credential() (Value, error) {
	text := bytes.TrimSuffix(bytes.TrimSuffix(v.bytes, []byte("\n")), []byte("\r"))
	if slices.ContainsFunc(text, func(b byte) bool { return b < ' ' || b == 0x7f }) {
		return Value{}, &CredentialError{}
	}
	return NewValue(text), nil
}
