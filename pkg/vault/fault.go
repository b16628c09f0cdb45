package vault

import (
	"errors"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

var (
	errNoKey   = errors.New("sealed under a master key that is not here")
	errNotOpen = errors.New("message authentication failed")
)

// keyFault is a failure that only somebody with the key file can repair. err is about files, never about contents.
func keyFault(err error, detail string) error {
	return fault.Wrap(err, fault.Config, fault.VaultKey, detail)
}

// missing is the answer for a credential that was never set.
func missing(p Purpose) error {
	return fault.New(fault.Auth, fault.NoCredential, string(p)+" is not set")
}

// cannotOpen is the answer for a credential that was sealed for another place or changed since.
func cannotOpen(p Purpose) error {
	return fault.Wrap(errNotOpen, fault.Auth, fault.VaultSealed, string(p))
}
