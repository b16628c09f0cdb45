// Package secret holds values that must never be printed. The value sits behind a pointer, because fmt prints the
// bytes of an unexported string field whatever its String method says (failures.md fact 14).
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String is a secret text. The zero value is "not set".
type String struct{ p *string }

// New wraps v.
func New(v string) String { return String{&v} }

// Reveal is the only way to the value; grep for it to find every use.
func (s String) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsSet tells whether there is a non-empty value.
func (s String) IsSet() bool { return s.p != nil && *s.p != "" }

// String implements fmt.Stringer without the value.
func (String) String() string { return redacted }

// GoString implements fmt.GoStringer without the value.
func (String) GoString() string { return redacted }

// Format answers every verb without the value; %d and friends would else print the struct.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer without the value.
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler without the value; encoding/json uses it too.
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }
