// Package vault keeps credentials sealed at rest, in three layers:
//
//	master key (a file of the operator) ── wraps ──▶ data key per tenant ── seals ──▶ credentials
//	                                   └── wraps ──▶ root key ── derives ──▶ keys for other parts (DeriveKey)
//
// Everything is AES-256-GCM with a random nonce. Tenant, purpose, version and the data key's id are authenticated with
// every credential, so that a sealed value opens only where it was sealed. Rotating the master key rewraps the data keys
// and the root key and touches no credential. Nothing here prints a key or a value; the interfaces below are what other
// packages use.
package vault

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Purpose names what a credential is for; sealed values cannot be moved to another purpose.
type Purpose string

// The purposes (failures.md 5.5), as they are written on the command line.
const (
	HCMPassword    Purpose = "peoplesoft.hcm.password"
	HCMSecret      Purpose = "peoplesoft.hcm.client_secret"
	FSCMPassword   Purpose = "peoplesoft.fscm.password"
	FSCMSecret     Purpose = "peoplesoft.fscm.client_secret"
	IBPassword     Purpose = "peoplesoft.ib.password"
	IBHeader       Purpose = "peoplesoft.ib.header" // value of the shared-secret header
	IBNodePassword Purpose = "peoplesoft.ib.node_password"
	ZendeskToken   Purpose = "zendesk.api_token"
	ZendeskSecret  Purpose = "zendesk.client_secret"
	WebhookSecret  Purpose = "zendesk.webhook_secret"
)

// The purposes that the product keeps by itself; nobody sets them by hand.
const (
	ZendeskGrant   Purpose = "zendesk.grant"   // access and refresh token of an authorization code grant
	ZendeskConsent Purpose = "zendesk.consent" // consents that were asked for, and how the last one ended
)

// Purposes lists every purpose that operators set.
func Purposes() []Purpose {
	return []Purpose{HCMPassword, HCMSecret, FSCMPassword, FSCMSecret, IBPassword, IBHeader, IBNodePassword, ZendeskToken, ZendeskSecret, WebhookSecret}
}

// Kept lists the purposes that the product keeps by itself.
func Kept() []Purpose { return []Purpose{ZendeskGrant, ZendeskConsent} }

// Opener gives credentials to the one adapter that uses them.
type Opener interface {
	// Open returns the value, or a *fault.Error with code CREDENTIAL_MISSING, VAULT_CANNOT_OPEN or VAULT_KEY.
	Open(ctx context.Context, t tenant.ID, p Purpose) (secret.String, error)
}

// Sealer stores credentials; there is no way back out but Opener.
type Sealer interface {
	Seal(ctx context.Context, t tenant.ID, p Purpose, value secret.String) error
}

// Swapper keeps a credential that changes by itself, such as tokens that rotate.
type Swapper interface {
	// OpenVersion is Open with the version of the value; 0 and no error when nothing is sealed.
	OpenVersion(ctx context.Context, t tenant.ID, p Purpose) (value secret.String, version int64, err error)
	// SealOver seals the value when the version over is still the newest, 0 when nothing is sealed; else it fails with
	// store.ErrConflict. After a lost answer of the store it may have sealed, and OpenVersion tells.
	SealOver(ctx context.Context, t tenant.ID, p Purpose, value secret.String, over int64) error
}
