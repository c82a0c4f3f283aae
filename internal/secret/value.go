// Package secret reads secret values from their sources, bundles them as Kubernetes
// Secrets, plans and syncs those, and masks the values in everything that is printed or
// stored.
package secret

import (
	"fmt"
	"log/slog"
)

// masked is printed in place of a secret value.
const masked = "***"

// Value is a secret value. It prints as *** with every verb of fmt, in JSON, YAML and
// slog, so that it cannot be printed by accident. Only code that sends the value calls
// Reveal.
type Value struct{ bytes []byte }

// NewValue wraps b, which the caller must not change afterwards.
func NewValue(b []byte) Value { return Value{bytes: b} }

// Reveal returns the value itself, which the caller must not change.
func (v Value) Reveal() []byte { return v.bytes }

// Len returns the length of the value in bytes.
func (v Value) Len() int { return len(v.bytes) }

// Format prints *** for every verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// String returns ***.
func (Value) String() string { return masked }

// GoString returns ***.
func (Value) GoString() string { return masked }

// MarshalText returns ***, for JSON, YAML and other text encodings.
func (Value) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue returns ***.
func (Value) LogValue() slog.Value { return slog.StringValue(masked) }
