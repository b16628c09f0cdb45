package zendesk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// refresh asks for a new pair. That it is asked is stored first, so that whoever comes after a crash knows.
func (k *rotating) refresh(ctx context.Context, refused secret.String) (grant, error) {
	old := k.have
	asked := old
	asked.state, asked.sent = renewing, time.Now().UTC()
	if err := k.mark(ctx, asked); err != nil {
		return k.later(refused, err, 0)
	}
	ask, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	a, err := k.client.askToken(ask, map[string]any{
		"grant_type": "refresh_token", "refresh_token": old.refresh.Reveal(), "client_id": k.auth.ClientID,
		"client_secret": k.auth.Secret.Reveal(), "scope": strings.Join(k.auth.Scopes, " "),
	})
	if err != nil && fault.IsUnknown(err) || err == nil && a.Status >= http.StatusInternalServerError {
		return k.resolve(ctx, refused)
	}
	if err == nil {
		err = k.tokenRefusal(a)
	}
	if err != nil {
		if fault.CodeOf(err) == fault.TargetReauth {
			return k.die(ctx, causeRefused)
		}
		old.state = live
		if undone := k.mark(ctx, old); undone != nil { // then the next one looks at the old access token
			k.client.log.Warn("grant not stored", "err", undone)
		}
		return k.later(refused, err, fault.AfterOf(err))
	}
	w, err := readToken(a)
	if err != nil {
		return k.resolve(ctx, refused) // a good status without tokens: they may be replaced all the same
	}
	k.unsaved, k.spent = newGrant(old.account, old.client, w, time.Now()), old
	if k.unsaved.scope == "" {
		k.unsaved.scope = old.scope
	}
	if w.RefreshToken == "" {
		k.unsaved.refresh, k.unsaved.refreshEnds = old.refresh, old.refreshEnds
	}
	crash.Point("oauth.before_persist")
	return k.persist(ctx)
}

// tokenRefusal is nil for a good answer. Only what says that the refresh token is of no use ends the grant: a wrong
// client secret is repaired by setting it, and the tokens stay as they are.
func (k *rotating) tokenRefusal(a answer) error {
	switch {
	case a.Status == http.StatusOK || a.Status == http.StatusCreated:
		return nil
	case a.Status != http.StatusBadRequest && a.Status != http.StatusUnauthorized:
		return tokenFault(a)
	}
	switch code := shapeOf(a).code; {
	case code == "invalid_scope":
		return fault.New(fault.Auth, fault.TargetForbidden, "the OAuth client does not allow the scopes of the tenant file")
	case slices.Contains([]string{"invalid_client", "unauthorized_client"}, code):
		return &fault.Error{Kind: fault.Auth, Code: fault.TargetAuth, Detail: "Zendesk refuses the OAuth client: " + code,
			Next: "check zendesk.auth.authorization_code.client_id, and set zendesk.client_secret again with `ml-connector credential set`"}
	}
	return k.auth.reauth(causeRefused)
}

// persist offers the new pair to the store until it is there; only then it is used (C19, C20). A consent that a person
// gave meanwhile is newer than ours and stays; everything else that was stored concerns the pair that ours replaces.
func (k *rotating) persist(ctx context.Context) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, persistFor)
	defer cancel()
	var err error
	for n := 0; ; n++ {
		if crash.Bug("refresh-no-persist") {
			k.have = k.unsaved
			break
		}
		if err = k.mark(ctx, k.unsaved); err == nil {
			break
		}
		if k.read(ctx) == nil {
			if k.have.refresh.Reveal() != k.spent.refresh.Reveal() { // ours, and only the answer was lost, or a person's
				break
			}
		}
		if pause(ctx, backoff(100*time.Millisecond, n)) != nil {
			return grant{}, err // kept in memory: the next call offers it again
		}
	}
	crash.Point("oauth.after_persist")
	k.unsaved, k.spent = grant{}, grant{}
	k.strikes, k.failed, k.retryAt = 0, nil, time.Time{}
	if missing := missingScopes(k.auth.Scopes, k.have.scope); missing != "" {
		return grant{}, fault.New(fault.Auth, fault.TargetForbidden, "the token was granted without the scope "+missing)
	}
	return k.have, nil
}

// resolve finds out what became of a refresh whose answer nobody has, by the old access token: it dies with the answer.
// The same look, once an hour, tells whether a grant was given up wrongly. It never spends a refresh token twice unless
// there is nothing left to lose.
func (k *rotating) resolve(ctx context.Context, refused secret.String) (grant, error) {
	g := k.have
	landed := time.Since(g.sent) >= landing
	switch {
	case !g.expired(time.Now()):
	case g.state == dead:
		return k.die(ctx, g.cause)
	default:
		if !landed {
			return k.later(refused, fault.New(fault.Transient, fault.TargetTimeout, "a token renewal was not answered"), landing-time.Since(g.sent))
		}
		return k.refresh(ctx, refused) // nothing to lose: if it was spent, nobody has what it gave
	}
	_, status, err := k.client.current(ctx, g.header())
	switch {
	case err == nil && status == http.StatusUnauthorized && g.state == dead:
		return k.die(ctx, g.cause)
	case err == nil && status == http.StatusUnauthorized:
		return k.die(ctx, causeLost)
	case err != nil || status != http.StatusOK && status != http.StatusForbidden:
		return k.later(refused, fault.New(fault.Transient, fault.TargetDown, "a token renewal was not answered, and Zendesk does not tell what became of it"), 0)
	case !landed && g.state != dead:
		return k.later(refused, fault.New(fault.Transient, fault.TargetTimeout, "a token renewal was not answered"), landing-time.Since(g.sent))
	}
	return k.revive(ctx, refused)
}

// revive goes on with a pair that Zendesk still takes.
func (k *rotating) revive(ctx context.Context, refused secret.String) (grant, error) {
	g := k.have
	g.state, g.cause, g.since, g.looked, g.sent = live, "", time.Time{}, time.Time{}, time.Time{}
	if err := k.mark(ctx, g); err != nil {
		return k.later(refused, err, 0)
	}
	if g.due(time.Now()) && !g.is(refused) {
		return k.refresh(ctx, refused)
	}
	return k.orOld(refused, fault.New(fault.Auth, fault.TargetAuth, "Zendesk refused the token once"))
}
