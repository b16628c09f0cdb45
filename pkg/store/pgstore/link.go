package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	linkColumns = `l.kind, l.key, l.target_id, l.version, l.digest, l.known, l.email, l.memory, l.state, l.at`
	selectLinks = `SELECT ` + linkColumns + ` FROM unnest($2::text[], $3::text[]) AS r (kind, key)
		JOIN links AS l ON l.tenant = $1 AND l.kind = r.kind AND l.key = r.key`
	walkLinks = `SELECT ` + linkColumns + ` FROM links AS l WHERE tenant = $1 AND kind = $2 AND key > $3 ORDER BY key LIMIT $4`
	holding   = `SELECT ` + linkColumns + ` FROM links AS l WHERE tenant = $1 AND email = ANY($2) AND email <> '' AND target_id <> ''
		ORDER BY kind, key`
	countLinks  = `SELECT kind, state, count(*) FROM links WHERE tenant = $1 AND target_id <> '' GROUP BY kind, state`
	upsertLinks = `INSERT INTO links (tenant, kind, key, target_id, version, digest, known, email, memory, state, at)
		SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
			$9::text[], $10::text[], $11::bigint[]) AS n (kind, key, target_id, version, digest, known, email, memory, state, at)
		ORDER BY n.kind, n.key
		ON CONFLICT (tenant, kind, key) DO UPDATE SET target_id = excluded.target_id, version = excluded.version,
			digest = excluded.digest, known = excluded.known, email = excluded.email, memory = excluded.memory, state = excluded.state, at = excluded.at`
)

// Links implements store.Links.
func (s *Store) Links(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.Link, error) {
	kinds, keys := row.Columns(of)
	links, err := list(ctx, s.pool, scanLink, selectLinks, t, kinds, keys)
	found := make(map[record.Ref]store.Link, len(links))
	for _, l := range links {
		found[l.Ref] = l
	}
	return found, fail("store: read links", err)
}

// WalkLinks implements store.Links.
func (s *Store) WalkLinks(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.Link, error) {
	links, err := list(ctx, s.pool, scanLink, walkLinks, t, kind, after, row.Limit(limit))
	return links, fail("store: walk links", err)
}

// CountLinks implements store.Links.
func (s *Store) CountLinks(ctx context.Context, t tenant.ID) (map[record.Kind]map[string]int, error) {
	counts := map[record.Kind]map[string]int{}
	_, err := list(ctx, s.pool, func(r scanner) (none struct{}, err error) {
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
	links, err := list(ctx, s.pool, scanLink, holding, t, emails)
	return links, fail("store: find links by email", err)
}

func putLinks(ctx context.Context, tx pgx.Tx, t tenant.ID, links []store.Link) error {
	if len(links) == 0 {
		return nil
	}
	var kinds, keys, targets, digests, known, emails, memory, states []string
	var versions, instants []int64
	for _, l := range row.Links(links) {
		kinds, keys, targets = append(kinds, string(l.Ref.Kind)), append(keys, l.Ref.Key), append(targets, l.TargetID)
		digests, known, memory = append(digests, l.Digest), append(known, string(l.Known)), append(memory, string(l.Memory))
		states, emails, versions, instants = append(states, l.State), append(emails, l.Email), append(versions, int64(l.Version)), append(instants, row.Micros(l.At))
	}
	_, err := tx.Exec(ctx, upsertLinks, t, kinds, keys, targets, versions, digests, known, emails, memory, states, instants)
	return err
}

func scanLink(r scanner) (l store.Link, err error) {
	var at int64
	err = r.Scan(&l.Ref.Kind, &l.Ref.Key, &l.TargetID, &l.Version, &l.Digest, &l.Known, &l.Email, &l.Memory, &l.State, &at)
	l.Known, l.Memory, l.At = row.Doc(l.Known), row.Doc(l.Memory), row.Time(at)
	return l, err
}
