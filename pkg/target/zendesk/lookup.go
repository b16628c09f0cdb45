package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/address"
)

const perCall = 100 // ids in one show_many (zendesk.md 1.1)

// usersByID reads users by id, 100 a call and a few calls at once; unknown ids are left out.
func (t *Target) usersByID(ctx context.Context, ids []string, urgent bool) (map[int64]wireUser, error) {
	out := make(map[int64]wireUser, len(ids))
	err := t.showUsers(ctx, "ids", ids, urgent, func(u wireUser) { out[u.ID] = u })
	return out, err
}

// usersByExternal reads users by external id in lower case; the comparison ignores case as Zendesk's does.
func (t *Target) usersByExternal(ctx context.Context, ids []string, urgent bool) (map[string]wireUser, error) {
	out := make(map[string]wireUser, len(ids))
	err := t.showUsers(ctx, "external_ids", ids, urgent, func(u wireUser) {
		if !u.gone() && u.ExternalID != "" {
			out[strings.ToLower(u.ExternalID)] = u
		}
	})
	return out, err
}

// showUsers gives every user found to take, one at a time.
func (t *Target) showUsers(ctx context.Context, key string, ids []string, urgent bool, take func(wireUser)) error {
	parts := slices.Collect(slices.Chunk(ids, perCall))
	var mu sync.Mutex
	return each(ctx, len(parts), func(ctx context.Context, i int) error {
		var a usersAnswer
		_, err := t.client.do(ctx, get("/api/v2/users/show_many", key, strings.Join(parts[i], ","), urgent, &a))
		mu.Lock()
		defer mu.Unlock()
		for _, u := range a.Users {
			take(u)
		}
		return err
	})
}

// userByAddress finds who has an address, primary or not. The search is a text search and may be stale, so that every
// hit is compared exactly: by its email, else by its identities (zendesk.md 1.1).
func (t *Target) userByAddress(ctx context.Context, want string, urgent bool) (*wireUser, error) {
	var a usersAnswer
	if _, err := t.client.do(ctx, get("/api/v2/users/search", "query", "email:"+want, urgent, &a)); err != nil {
		return nil, err
	}
	for _, u := range a.Users {
		if !u.gone() && address.Same(u.Email, want) {
			return &u, nil
		}
	}
	for _, u := range a.Users[:min(len(a.Users), 3)] {
		if u.gone() || u.ID <= 0 {
			continue
		}
		ids, err := t.identities(ctx, u.ID, urgent)
		if err != nil {
			return nil, err
		}
		if _, ok := findAddress(ids, want); ok {
			return &u, nil
		}
	}
	return nil, nil
}

func (t *Target) identities(ctx context.Context, user int64, urgent bool) ([]wireIdentity, error) {
	var a identitiesAnswer
	_, err := t.client.do(ctx, get("/api/v2/users/"+idText(user)+"/identities", "page[size]", "100", urgent, &a))
	return a.Identities, err
}

func (t *Target) orgsBy(ctx context.Context, key string, ids []string, urgent bool) ([]wireOrg, error) {
	var out []wireOrg
	for part := range slices.Chunk(ids, perCall) {
		var a orgsAnswer
		if _, err := t.client.do(ctx, get("/api/v2/organizations/show_many", key, strings.Join(part, ","), urgent, &a)); err != nil {
			return nil, err
		}
		out = append(out, a.Organizations...)
	}
	return out, nil
}

// orgByName finds an organization by its exact name without case.
func (t *Target) orgByName(ctx context.Context, name string, urgent bool) (*wireOrg, error) {
	var a orgsAnswer
	if _, err := t.client.do(ctx, get("/api/v2/organizations/search", fieldName, name, urgent, &a)); err != nil {
		return nil, err
	}
	for _, o := range a.Organizations {
		if strings.EqualFold(strings.TrimSpace(o.Name), strings.TrimSpace(name)) {
			return &o, nil
		}
	}
	return nil, nil
}

func get(path, key, value string, urgent bool, out any) call {
	return call{method: http.MethodGet, path: path, query: url.Values{key: {value}}, out: out, urgent: urgent}
}

// each runs f for 0 to n-1 with a few at a time and answers the first error.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	places := make(chan struct{}, 4)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if ctx.Err() != nil {
				return
			}
			if err := f(ctx, i); err != nil {
				once.Do(func() { first = err; cancel(err) })
			}
		})
	}
	wg.Wait()
	return first
}

// every runs f for 0 to n-1 with a few at a time, all of them: what has no time left must say so itself.
func every(n int, f func(i int)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, 4)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
	wg.Wait()
}

func count(n int, word string) string { return strconv.Itoa(n) + " " + word }
