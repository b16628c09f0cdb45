package pgstore

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// How long the server may keep us waiting (failures.md N02, N04). pgx has no limit of its own but the caller's, and a
// connection that a firewall forgot would keep its caller for ever.
const (
	connectTime = 10 * time.Second // dial, TLS and sign-in
	pingTime    = 2 * time.Second  // of a connection that was idle, before it is used: each of a pool may need it
	// silenceTime is how long an answer may be silent. It is longer than any query of this package takes.
	silenceTime = time.Minute
	migrateTime = 15 * time.Minute // a migration may rewrite a large table, and wait for one that runs
	// silenceName is the setting of the database's URL that says another time.
	silenceName = "pool_silence"
)

// bounded gives the pool limits where the URL names none, and answers how long an answer may be silent.
func bounded(config *pgxpool.Config) (silence time.Duration, err error) {
	silence = silenceTime
	if text, ok := config.ConnConfig.RuntimeParams[silenceName]; ok {
		delete(config.ConnConfig.RuntimeParams, silenceName)
		if silence, err = time.ParseDuration(text); err != nil || silence <= 0 {
			return 0, &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Op: "store: open", Detail: silenceName + " in the database URL is no duration"}
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTime
	}
	return silence, nil
}

// impatient dials connections whose reads and writes end after so much silence.
func impatient(dial pgconn.DialFunc, silence time.Duration) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &quietConn{Conn: c, silence: silence}, nil
	}
}

// quietConn gives every read and write a deadline, unless pgx set one: it does so when the caller's context ends. A read
// that met a deadline ends the connection, so that the server hears of it and lets go of what a transaction held.
type quietConn struct {
	net.Conn
	silence time.Duration
	mu      sync.Mutex
	set     bool
}

func (c *quietConn) Read(b []byte) (int, error) {
	if err := c.limit(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.Conn.Close() // pgx never reads it again and closes it up to 15 s later: so long the server would keep its locks
	}
	return n, err
}

func (c *quietConn) Write(b []byte) (int, error) {
	if err := c.limit(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *quietConn) limit(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set {
		return nil
	}
	return set(time.Now().Add(c.silence))
}

func (c *quietConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = !t.IsZero()
	return c.Conn.SetDeadline(t)
}
