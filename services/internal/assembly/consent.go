package assembly

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/secret"
)

const (
	consentLife = 10 * time.Minute // failures.md 5.5
	consentsMax = 8                // open at once; the oldest makes way
)

// consents is the document of a tenant's consents: those that were asked for, and how the last one ended. It is sealed:
// a restarted process, or another one, can finish what this one began.
type consents struct {
	Open  []consent `json:"open"`
	Given int64     `json:"given"` // how many came to a good end
	Last  *ending   `json:"last,omitempty"`
}

// consent is one that was asked for.
type consent struct {
	State    []byte    `json:"state"` // SHA-256 of what Zendesk will send back
	Verifier string    `json:"verifier"`
	Redirect string    `json:"redirect"`
	Actor    string    `json:"actor"`
	Until    time.Time `json:"until"`
}

// ending is how a consent ended.
type ending struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Code   string    `json:"code,omitempty"` // "" when it was good
	Detail string    `json:"detail,omitempty"`
	Next   string    `json:"next,omitempty"`
}

func readConsents(text secret.String) (c consents, err error) {
	if text.IsSet() {
		err = json.Unmarshal([]byte(text.Reveal()), &c)
	}
	return c, err
}

func (c consents) text() (secret.String, error) {
	b, err := json.Marshal(c)
	return secret.New(string(b)), err
}

// add opens a consent; what ran out is forgotten.
func (c *consents) add(one consent, now time.Time) {
	c.Open = slices.DeleteFunc(c.Open, func(o consent) bool { return !now.Before(o.Until) })
	if len(c.Open) >= consentsMax {
		c.Open = slices.Delete(c.Open, 0, len(c.Open)-consentsMax+1)
	}
	c.Open = append(c.Open, one)
}

// take closes the consent of the state; ok is false when there is none, or its time is over.
func (c *consents) take(state string, now time.Time) (one consent, ok bool) {
	sum := sha256.Sum256([]byte(state))
	at := slices.IndexFunc(c.Open, func(o consent) bool { return subtle.ConstantTimeCompare(o.State, sum[:]) == 1 })
	if at < 0 {
		return one, false
	}
	one = c.Open[at]
	c.Open = slices.Delete(c.Open, at, at+1)
	return one, now.Before(one.Until)
}

// newState is 32 random bytes behind the tenant's name, so that the way back leads to the tenant.
func newState(tenant string) (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return tenant + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}
