package vault

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// DataSealer seals data that is kept outside the vault, such as the original of a dead letter. Sealed data opens only
// for the tenant and the place that it was sealed for. A rotation of the master key leaves it readable.
type DataSealer interface {
	SealData(ctx context.Context, t tenant.ID, place string, plain []byte) (json.RawMessage, error)
	// OpenData undoes SealData: a *fault.Error with code VAULT_CANNOT_OPEN when tenant or place are others, or a bit
	// was changed.
	OpenData(ctx context.Context, t tenant.ID, place string, sealed json.RawMessage) ([]byte, error)
}

var _ DataSealer = (*Vault)(nil)

// sealedData is what SealData answers.
type sealedData struct {
	KeyID string `json:"key"`
	Box   []byte `json:"box"`
}

// SealData implements DataSealer.
func (v *Vault) SealData(ctx context.Context, t tenant.ID, place string, plain []byte) (json.RawMessage, error) {
	id, key, err := v.ensureDataKey(ctx, t)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	box, err := sealBox(key, plain, dataPlace(t, place, id))
	if err != nil {
		return nil, keyFault(err, "seal data")
	}
	return json.Marshal(sealedData{id, box})
}

// OpenData implements DataSealer.
func (v *Vault) OpenData(ctx context.Context, t tenant.ID, place string, sealed json.RawMessage) ([]byte, error) {
	cannot := fault.Wrap(errNotOpen, fault.Auth, fault.VaultSealed, "sealed data")
	var s sealedData
	if err := json.Unmarshal(sealed, &s); err != nil {
		return nil, cannot
	}
	id, key, err := v.dataKey(ctx, t)
	if errors.Is(err, store.ErrNotFound) {
		return nil, cannot
	}
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := openBox(key, s.Box, dataPlace(t, place, s.KeyID))
	if err != nil || s.KeyID != id {
		return nil, cannot
	}
	return plain, nil
}

// dataPlace differs from every place of a credential by its first word, which is no purpose.
func dataPlace(t tenant.ID, place, keyID string) []byte { return bind(string(t), "data", place, keyID) }
