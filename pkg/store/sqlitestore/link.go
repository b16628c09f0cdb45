package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	linkColumns = `l.kind, l.key, l.target_id, l.version, l.digest, l.known, l.email, l.memory, l.state, l.at`
	selectLinks = `SELECT ` + linkColumns + ` FROM json_each(?2) AS r CROSS JOIN links AS l
		ON l.tenant = ?1 AND l.kind = r.value->>0 AND l.key = r.value->>1`
	walkLinks = `SELECT ` + linkColumns + ` FROM links AS l WHERE tenant = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?`
	holding   = `SELECT ` + linkColumns + ` FROM json_each(?2) AS r CROSS JOIN links AS l
		ON l.tenant = ?1 AND l.email = r.value WHERE l.email <> '' AND l.target_id <> '' ORDER BY l.kind, l.key`
	countLinks = `SELECT kind, state, count(*) FROM links WHERE tenant = ? AND target_id <> '' GROUP BY kind, state`
	upsertLink = `INSERT INTO links (tenant, kind, key, target_id, version, digest, known, email, memory, state, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, kind, key) DO UPDATE SET target_id = excluded.target_id, version = excluded.version,
			digest = excluded.digest, known = excluded.known, email = excluded.email, memory = excluded.memory, state = excluded.state, at = excluded.at`
	clearDigest = `UPDATE links SET digest = '' WHERE tenant = ? AND kind = ? AND key = ?`
)

// Links implements store.Links.
func (s *Store) Links(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.Link, error) {
	query := selectLinks
	if crash.Bug("missing-tenant") {
		query = strings.Replace(query, "l.tenant = ?1", "?1 <> ''", 1)
	}
	links, err := list(ctx, s.reader, scanLink, query, t, refs(of))
	found := make(map[record.Ref]store.Link, len(links))
	for _, l := range links {
		found[l.Ref] = l
	}
	return found, fail("store: read links", err)
}

// WalkLinks implements store.Links.
func (s *Store) WalkLinks(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.Link, error) {
	links, err := list(ctx, s.reader, scanLink, walkLinks, t, kind, after, row.Limit(limit))
	return links, fail("store: walk links", err)
}

// CountLinks implements store.Links.
func (s *Store) CountLinks(ctx context.Context, t tenant.ID) (map[record.Kind]map[string]int, error) {
	counts := map[record.Kind]map[string]int{}
	_, err := list(ctx, s.reader, func(r scanner) (none struct{}, err error) {
		var kind record.Kind
		var state string
		var n int
		if err := r.Scan(&kind, &state, &n); err != nil {
			return none, err
		}
		if counts[kind] == nil {
			counts[kind] = map[string]int{}
		}
		counts[kind][state] = n
		return none, nil
	}, countLinks, t)
	return counts, fail("store: count links", err)
}

// Holding implements store.Links.
func (s *Store) Holding(ctx context.Context, t tenant.ID, emails []string) ([]store.Link, error) {
	of, err := json.Marshal(slices.Compact(slices.Sorted(slices.Values(emails))))
	if err != nil {
		return nil, fail("store: find links by email", err)
	}
	links, err := list(ctx, s.reader, scanLink, holding, t, string(of))
	return links, fail("store: find links by email", err)
}

func putLinks(ctx context.Context, tx *sql.Tx, t tenant.ID, links []store.Link) error {
	upsert, err := tx.PrepareContext(ctx, upsertLink)
	if err != nil {
		return err
	}
	for _, l := range links {
		_, err := upsert.ExecContext(ctx, t, l.Ref.Kind, l.Ref.Key, l.TargetID, int64(l.Version), l.Digest, blob(l.Known),
			l.Email, blob(l.Memory), l.State, row.Micros(l.At))
		if err != nil {
			return err
		}
	}
	return nil
}

func scanLink(r scanner) (l store.Link, err error) {
	var at int64
	err = r.Scan(&l.Ref.Kind, &l.Ref.Key, &l.TargetID, &l.Version, &l.Digest, &l.Known, &l.Email, &l.Memory, &l.State, &at)
	l.Known, l.Memory, l.At = row.Doc(l.Known), row.Doc(l.Memory), row.Time(at)
	return l, err
}
