package zendesk

import (
	"context"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// census is one pass over what the account holds, by incremental export: a page of 1,000 objects a call. It replaces
// the look-ups of many unlinked records, one email or name a call, which would make a first load of 1,000 users cost
// 1,000 calls in place of one. It reads one page for every ten unknown records at most, so that it is never dearer
// than a tenth of what it saves, and a large account with few new records never starts a long pass.
//
// What it says is "not there at that time". It is believed for Config.Fresh, refreshed from its cursor after that,
// and keys that we have written ourselves since are left out: those are looked up one by one.
type census struct {
	page func(ctx context.Context, from string) (rows []row, next string, done bool, err error)
	life time.Duration

	reading turn // one reader of pages
	mu      sync.Mutex
	unknown int // records without a link since the start
	pages   int
	from    string
	done    bool
	at      time.Time
	off     time.Time // not tried again before; set when the export is refused
	byExt   map[string]int64
	byKey   map[string]int64    // email or name, in lower case
	touched map[uint64]struct{} // external ids and keys that we wrote, hashed: two that collide cost a look-up
	seed    maphash.Seed
}

// row is one object as the export shows it.
type row struct {
	id       int64
	ext, key string
	gone     bool
}

const recordsPerPage = 10

func newCensus(life time.Duration, page func(context.Context, string) ([]row, string, bool, error)) *census {
	return &census{
		page: page, life: life, reading: newTurn(), byExt: map[string]int64{}, byKey: map[string]int64{},
		touched: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

// take brings the census up to date for n more unknown records, as far as they pay for it, and tells whether it may
// be asked. A refused export is no failure: the caller looks up one by one.
func (c *census) take(ctx context.Context, n int) bool {
	if c.reading.take(ctx) != nil {
		return false
	}
	defer c.reading.give()
	from, more := c.begin(n)
	for more {
		rows, next, done, err := c.page(ctx, from)
		from, more = c.end(rows, next, done, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// begin tells whether a page is worth its call, and from where.
func (c *census) begin(n int) (from string, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unknown += n
	if c.done && time.Since(c.at) > c.life {
		c.done = false
	}
	return c.from, n >= recordsPerPage && c.pays()
}

func (c *census) pays() bool {
	return !c.done && !time.Now().Before(c.off) && c.pages < c.unknown/recordsPerPage
}

func (c *census) end(rows []row, next string, done bool, err error) (from string, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages++
	if err != nil {
		c.off = time.Now().Add(c.life)
		return c.from, false
	}
	c.add(rows)
	c.from, c.at, c.done = next, time.Now(), done
	return c.from, c.pays()
}

func (c *census) add(rows []row) {
	for _, r := range rows {
		if r.gone {
			continue
		}
		if r.ext != "" {
			c.byExt[r.ext] = r.id
		}
		if r.key != "" {
			c.byKey[r.key] = r.id
		}
	}
}

// ext and key answer the id that had it, and whether the census can tell at all.
func (c *census) ext(ext string) (id int64, knows bool) { return c.ask(c.byExt, ext) }
func (c *census) key(key string) (id int64, knows bool) { return c.ask(c.byKey, key) }

func (c *census) ask(in map[string]int64, what string) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what = strings.ToLower(what)
	_, wrote := c.touched[maphash.String(c.seed, what)]
	return in[what], !wrote
}

// touch marks keys that we are about to write.
func (c *census) touch(keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if k != "" {
			c.touched[maphash.String(c.seed, strings.ToLower(k))] = struct{}{}
		}
	}
}

// exportUsers and exportOrgs give the census one page of an export.
func (t *Target) exportUsers(ctx context.Context, from string) ([]row, string, bool, error) {
	list, next, done, err := t.usersPage(ctx, from)
	rows := make([]row, 0, len(list))
	for _, u := range list {
		rows = append(rows, row{u.ID, strings.ToLower(u.ExternalID), strings.ToLower(u.Email), u.gone()})
	}
	return rows, next, done, err
}

func (t *Target) exportOrgs(ctx context.Context, from string) ([]row, string, bool, error) {
	list, next, done, err := t.orgsPage(ctx, from)
	rows := make([]row, 0, len(list))
	for _, o := range list {
		rows = append(rows, row{o.ID, strings.ToLower(o.ExternalID), strings.ToLower(o.Name), o.DeletedAt != nil})
	}
	return rows, next, done, err
}
