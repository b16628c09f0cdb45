package zendesk

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// Grants keeps the token pair of one tenant's account, sealed, for all processes that use it.
type Grants interface {
	// Grant is the sealed text with its version; version 0 when there is none.
	Grant(ctx context.Context) (text secret.String, version int64, err error)
	// Keep replaces the text when its version is still over; it fails when the version moved. After any other failure
	// it may have stored the text, and Grant tells.
	Keep(ctx context.Context, text secret.String, over int64) error
	// Lease gives this process the sole right to renew, for so long; ok is false while another has it. end gives it back.
	Lease(ctx context.Context, lasts time.Duration) (end func(context.Context), ok bool, err error)
}

// grantState is what is known about a pair.
type grantState string

const (
	live     grantState = "live"
	renewing grantState = "renewing" // a refresh was sent, and nobody has stored its answer
	dead     grantState = "dead"     // only a person's consent gives another pair
)

// grant is the pair with what is known about it. Zendesk kills both tokens the moment it answers a refresh
// (zendesk.md 5.5), so that a pair is worth exactly as much as its last stored successor.
type grant struct {
	account, client string // where it was granted; it is of no use elsewhere
	access, refresh secret.String
	scope           string
	issued          time.Time
	accessEnds      time.Time // zero: it does not end
	refreshEnds     time.Time
	state           grantState
	sent            time.Time // when the refresh left, while renewing
	cause           string    // why it is dead
	since           time.Time // when it was found dead
	looked          time.Time // at a dead one last
}

type wireGrant struct {
	Account     string     `json:"account"`
	Client      string     `json:"client"`
	Access      string     `json:"access_token"`
	Refresh     string     `json:"refresh_token"`
	Scope       string     `json:"scope"`
	Issued      time.Time  `json:"issued"`
	AccessEnds  time.Time  `json:"access_ends,omitzero"`
	RefreshEnds time.Time  `json:"refresh_ends,omitzero"`
	State       grantState `json:"state"`
	Sent        time.Time  `json:"sent,omitzero"`
	Cause       string     `json:"cause,omitempty"`
	Since       time.Time  `json:"since,omitzero"`
	Looked      time.Time  `json:"looked,omitzero"`
}

// text is the grant as it is sealed.
func (g grant) text() secret.String {
	return secret.New(string(encode(wireGrant{g.account, g.client, g.access.Reveal(), g.refresh.Reveal(), g.scope, g.issued,
		g.accessEnds, g.refreshEnds, g.state, g.sent, g.cause, g.since, g.looked})))
}

func readGrant(text secret.String) (grant, error) {
	var w wireGrant
	if json.Unmarshal([]byte(text.Reveal()), &w) != nil {
		return grant{}, fault.New(fault.Internal, fault.Unclassified, "the stored grant was written by another version")
	}
	return grant{w.Account, w.Client, secret.New(w.Access), secret.New(w.Refresh), w.Scope, w.Issued,
		w.AccessEnds, w.RefreshEnds, w.State, w.Sent, w.Cause, w.Since, w.Looked}, nil
}

// newGrant reads a pair from an answer. Times that the answer does not give are left open.
func newGrant(account, client string, w wireToken, now time.Time) grant {
	g := grant{account: account, client: client, access: secret.New(w.AccessToken), refresh: secret.New(w.RefreshToken),
		scope: w.Scope, issued: now.UTC(), state: live}
	if w.ExpiresIn > 0 {
		g.accessEnds = g.issued.Add(time.Duration(min(w.ExpiresIn, maxLife)) * time.Second)
	}
	if w.RefreshExpiresIn > 0 {
		g.refreshEnds = g.issued.Add(time.Duration(min(w.RefreshExpiresIn, maxLife)) * time.Second)
	}
	return g
}

const maxLife = 100 * 365 * 24 * 3600 // seconds; keeps a hostile number from overflowing

// due tells whether four fifths of the life of either token are over: a refresh token must not run out in a quiet month.
func (g grant) due(now time.Time) bool {
	over := func(ends time.Time) bool {
		return !ends.IsZero() && now.After(g.issued.Add(ends.Sub(g.issued)*8/10))
	}
	return g.refresh.IsSet() && (over(g.accessEnds) || over(g.refreshEnds))
}

// expired tells whether the access token ended by itself.
func (g grant) expired(now time.Time) bool {
	return !g.accessEnds.IsZero() && !now.Before(g.accessEnds)
}

func (g grant) header() secret.String { return secret.New("Bearer " + g.access.Reveal()) }

func (g grant) is(header secret.String) bool {
	return header.IsSet() && g.header().Reveal() == header.Reveal()
}

// dies is the grant as it is found dead, or found dead again.
func (g grant) dies(cause string, now time.Time) grant {
	if g.state != dead {
		g.since = now.UTC()
	}
	g.state, g.cause, g.looked = dead, cause, now.UTC()
	return g
}

// Connection is what may be shown of the consent behind an AuthorizationCode.
type Connection struct {
	State       string    // connected, reauth_required, not_connected
	Since       time.Time // of the newest pair, or of the moment at which it was found dead
	Scopes      []string
	AccessEnds  time.Time // zero: it does not end
	RefreshEnds time.Time
	Cause       string // why a person is needed
}

// The states of a Connection.
const (
	Connected    = "connected"
	Reauth       = "reauth_required"
	NotConnected = "not_connected"
)

// Connection reads what is stored; it asks nobody. account is the configured base URL.
func (a AuthorizationCode) Connection(ctx context.Context, account string) (Connection, error) {
	text, version, err := a.Grants.Grant(ctx)
	if err != nil {
		return Connection{}, err
	}
	if version == 0 {
		return Connection{State: NotConnected, Cause: causeNone}, nil
	}
	g, err := readGrant(text)
	if err != nil {
		return Connection{}, err
	}
	c := Connection{State: Connected, Since: g.issued, Scopes: strings.Fields(g.scope), AccessEnds: g.accessEnds, RefreshEnds: g.refreshEnds}
	switch {
	case g.account != account || g.client != a.ClientID:
		return Connection{State: NotConnected, Cause: causeOther}, nil
	case g.state == dead:
		c.State, c.Since, c.Cause = Reauth, g.since, g.cause
	}
	return c, nil
}

const (
	causeNone    = "nobody has connected the Zendesk account yet"
	causeOther   = "the consent is for another account or OAuth client than the tenant file names now"
	causeRefused = "Zendesk refused the refresh token: the consent was withdrawn, ran out, or was replaced"
	causeLost    = "the answer to the last token renewal was lost or not stored in time, and Zendesk has replaced the tokens"
	causeExpired = "the access token ran out, and there is no refresh token"
	causeOften   = "Zendesk refuses tokens that it has just given"
)
