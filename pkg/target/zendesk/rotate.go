package zendesk

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// rotating is the session of an AuthorizationCode. The store's grant is the truth; what is here is a copy of it. One
// process renews at a time; the others wait and read again (failures.md C19 to C21).
//
//	live ──due or refused──▶ lease ──▶ renewing (stored) ──▶ ask Zendesk ──▶ live with the new pair (stored, then used)
//	                                        │
//	       no answer, or a process that died: the old access token tells. Zendesk still takes it: nothing happened,
//	       go on with it. Zendesk refuses it: the tokens were replaced and nobody has the new ones: dead.
type rotating struct {
	auth   AuthorizationCode
	client *client
	busy   turn // held while somebody owns the fields below

	have    grant
	version int64
	unsaved grant // a new pair that the store did not take yet; used only when it did
	spent   grant // the pair that it replaces

	retryAt time.Time // no refresh before
	failed  error     // why the last one did not work
	strikes int
}

const (
	leaseLife  = 2 * time.Minute        // longer than a refresh and its bookkeeping can take
	askFor     = 45 * time.Second       // longest wait for the answer to a refresh
	persistFor = 45 * time.Second       // how long a new pair is offered to the store
	otherFor   = 30 * time.Second       // how long another process's refresh is waited for
	lookAgain  = 100 * time.Millisecond // while waiting for it
	landing    = askFor + time.Minute   // until then a refresh whose answer was lost may still take effect; see Target.CallLife
	probeEvery = time.Hour              // of a dead grant (failures.md C19)
)

func (k *rotating) header(ctx context.Context) (secret.String, error) {
	if err := k.busy.take(ctx); err != nil {
		return secret.String{}, err
	}
	defer k.busy.give()
	g, err := k.current(ctx, secret.String{})
	if err != nil {
		return secret.String{}, err
	}
	return g.header(), nil
}

// renew answers true when there is another bearer than the refused one. A pair that another process has replaced
// meanwhile costs no refresh.
func (k *rotating) renew(ctx context.Context, refused secret.String, n int) (bool, error) {
	if err := k.busy.take(ctx); err != nil {
		return false, err
	}
	defer k.busy.give()
	if n < maxRenewals-1 {
		_, err := k.current(ctx, refused)
		return err == nil, err
	}
	err := k.read(ctx)
	if err == nil && k.have.state == live {
		_, err = k.die(ctx, causeOften) // failures.md Z08: it is looked at again in an hour
	}
	return false, errors.Join(k.auth.reauth(causeOften), err)
}

// again is header without the copy: what other processes and people did meanwhile counts.
func (k *rotating) again(ctx context.Context) error {
	if err := k.busy.take(ctx); err != nil {
		return err
	}
	defer k.busy.give()
	if !k.unsaved.access.IsSet() {
		if err := k.read(ctx); err != nil {
			return err
		}
	}
	_, err := k.current(ctx, secret.String{})
	return err
}

// current is the grant whose access token is to be used; refused is a bearer that must be another one.
func (k *rotating) current(ctx context.Context, refused secret.String) (grant, error) {
	if k.good(k.have, refused) {
		return k.have, nil
	}
	for until := time.Now().Add(otherFor); ; {
		if g, done, err := k.stored(ctx, refused); done || err != nil {
			return g, err
		}
		end, ok, err := k.auth.Grants.Lease(ctx, leaseLife)
		if err != nil {
			return k.orOld(refused, err)
		}
		if ok {
			g, err := k.alone(ctx, refused)
			end(context.WithoutCancel(ctx))
			return g, err
		}
		if time.Now().After(until) {
			return k.orOld(refused, fault.New(fault.Transient, fault.TargetTimeout, "another process is renewing the tokens"))
		}
		if err := pause(ctx, lookAgain); err != nil {
			return grant{}, err
		}
	}
}

// good tells of a grant that needs no thought.
func (k *rotating) good(g grant, refused secret.String) bool {
	now := time.Now()
	return g.state == live && !g.due(now) && !g.expired(now) && !g.is(refused)
}

// orOld goes on with the present access token while it lasts: what failed is tried again later.
func (k *rotating) orOld(refused secret.String, err error) (grant, error) {
	if k.have.access.IsSet() && k.have.state != dead && !k.have.expired(time.Now()) && !k.have.is(refused) {
		return k.have, nil
	}
	return grant{}, err
}

// stored reads the grant; done is true when it decides without a refresh.
func (k *rotating) stored(ctx context.Context, refused secret.String) (g grant, done bool, err error) {
	if err := k.read(ctx); err != nil {
		return grant{}, false, err
	}
	if k.have.state == dead {
		if k.have.expired(time.Now()) || time.Since(k.have.looked) < probeEvery {
			return grant{}, true, k.auth.reauth(k.have.cause)
		}
		return grant{}, false, nil
	}
	if k.good(k.have, refused) {
		k.strikes, k.failed, k.retryAt = 0, nil, time.Time{}
		return k.have, true, nil
	}
	if k.unsaved.access.IsSet() || k.have.state == renewing && k.have.is(refused) || !time.Now().Before(k.retryAt) {
		return grant{}, false, nil
	}
	g, err = k.orOld(refused, k.failed)
	return g, true, err
}

// read takes the stored grant as the present one.
func (k *rotating) read(ctx context.Context) error {
	text, version, err := k.auth.Grants.Grant(ctx)
	if err != nil {
		return err
	}
	if version == 0 {
		k.have, k.version = grant{}, 0
		return k.auth.reauth(causeNone)
	}
	g, err := readGrant(text)
	if err != nil {
		return err
	}
	k.have, k.version = g, version
	if g.account != k.client.account || g.client != k.auth.ClientID {
		k.have = grant{}
		return k.auth.reauth(causeOther)
	}
	return nil
}

// alone decides with the lease in hand. What was begun is brought to its end, also when the caller gives up.
func (k *rotating) alone(ctx context.Context, refused secret.String) (grant, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseLife-10*time.Second)
	defer cancel()
	if k.unsaved.access.IsSet() {
		return k.persist(ctx)
	}
	g, done, err := k.stored(ctx, refused) // somebody may have renewed while we asked for the lease
	switch {
	case done || err != nil:
		return g, err
	case k.have.state == renewing || k.have.state == dead:
		return k.resolve(ctx, refused)
	case !k.have.refresh.IsSet():
		return k.die(ctx, causeExpired)
	}
	return k.refresh(ctx, refused)
}

// mark stores a grant in place of the one that was read.
func (k *rotating) mark(ctx context.Context, g grant) error {
	if err := k.auth.Grants.Keep(ctx, g.text(), k.version); err != nil {
		return err
	}
	k.have, k.version = g, k.version+1
	return nil
}

// die stores that only a person can go on. A newer consent that was stored meanwhile stays.
func (k *rotating) die(ctx context.Context, cause string) (grant, error) {
	err := k.mark(ctx, k.have.dies(cause, time.Now()))
	return grant{}, errors.Join(k.auth.reauth(cause), err)
}

// later remembers that a refresh did not work and when the next one may be tried.
func (k *rotating) later(refused secret.String, err error, wait time.Duration) (grant, error) {
	k.strikes++
	k.failed, k.retryAt = err, time.Now().Add(max(wait, backoff(time.Second, k.strikes)))
	return k.orOld(refused, err)
}
