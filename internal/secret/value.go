// Package secret finds the values of secrets where the configuration says they
// are, bundles them as Kubernetes Secrets, shows masked what a sync would
// change, and keeps the values out of everything that is printed or stored.
package secret

import (
	"fmt"
	"log/slog"
)

// masked stands wherever a secret value would have been printed.
const masked = "***"

// Value is a secret's value. It prints as *** under every verb of fmt, in JSON,
// in YAML and in slog, so that it cannot get into output by accident. Only the
// code that sends a value calls Reveal.
type Value struct{ bytes []byte }

// NewValue wraps b, which the caller must not change afterwards.
func NewValue(b []byte) Value { return Value{bytes: b} }

// Reveal gives the value itself.
func (v Value) Reveal() []byte { return v.bytes }

// Len gives the value's length in bytes.
func (v Value) Len() int { return len(v.bytes) }

// Format prints *** for every verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// String gives ***.
func (Value) String() string { return masked }

// GoString gives ***.
func (Value) GoString() string { return masked }

// MarshalText gives ***, for JSON, YAML and everything else that encodes text.
func (Value) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue gives ***.
func (Value) LogValue() slog.Value { return slog.StringValue(masked) }
